/** The part of the error catalogue that is about processes that come and go. */
export const supervisionErrors = {
  draining: {
    status: 503,
    fault: 'deci',
    retryable: true,
    message: 'the server is restarting and ended this answer before it was complete',
    fix: 'Try again; another worker or the restarted one answers.',
  },
  control_unavailable: {
    status: 503,
    fault: 'deci',
    retryable: true,
    message: 'the control process does not answer',
    fix: 'Try again in some seconds: PM2 starts it anew. `npm run status` tells whether it is back.',
  },
  not_now: {
    status: 409,
    fault: 'client',
    retryable: false,
    message: 'this cannot be done now',
    fix: 'As the text says: switch the healer on, or wait until all workers serve.',
  },
} as const;
