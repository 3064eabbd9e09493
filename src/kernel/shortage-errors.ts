/** The part of the error catalogue that is about a worker that has too little of something: memory, time. */
export const shortageErrors = {
  memory_low: {
    status: 503,
    fault: 'deci',
    retryable: true,
    message: 'the server is short of memory and takes no new work for a moment',
    fix: 'Try again after the time in `Retry-After`. If it repeats, send smaller requests, fewer at once, or raise `HEAP_LIMIT_MB`.',
  },
  load_shed: {
    status: 503,
    fault: 'deci',
    retryable: true,
    message:
      'the server has more work than it can do and takes no requests as urgent as this one, or less, for a moment',
    fix: 'Try again after the time in `Retry-After`, with a higher `X-Deci-Priority` where it is in a hurry. If it repeats, raise `DECI_WORKERS` where there are cores left, or send fewer requests at once.',
  },
} as const;
