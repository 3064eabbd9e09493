/** The part of the error catalogue that is about waiting for a slot. */
export const queueErrors = {
  queue_full: {
    status: 503,
    fault: 'deci',
    retryable: true,
    message: 'too many callers wait for a model already',
    fix: 'Try again after the time in `Retry-After`, or raise `QUEUE_MAX`; more slots or hosts make the line shorter.',
  },
  queue_share: {
    status: 429,
    fault: 'client',
    retryable: true,
    message: 'too many of your requests wait for a model already',
    fix: 'Try again after the time in `Retry-After`, with fewer requests at once: when the line is full, each caller has an equal part of it.',
  },
  queue_too_slow: {
    status: 503,
    fault: 'deci',
    retryable: true,
    message: 'the line is too long for the time that the request has',
    fix: 'Try again after the time in `Retry-After`, or give the request more time (`X-Deci-Timeout`); more slots or hosts make the line shorter.',
  },
  queue_timeout: {
    status: 503,
    fault: 'deci',
    retryable: true,
    message: 'no slot of a model became free in time',
    fix: 'Try again later, or raise `INFERENCE_TIMEOUT`; more slots or hosts make the line shorter.',
  },
} as const;
