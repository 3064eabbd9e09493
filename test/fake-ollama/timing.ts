/** Time as the fake sees it, injected so that the scheduler can be tested on a clock that stands still. */

export interface Timing {
  /** Milliseconds since the epoch, with fractions. */
  now(): number;
  /** Resolves after `ms` or, sooner, when `signal` aborts. It never rejects: callers look at the signal themselves. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs `action` later; returns what cancels it. Must not keep the process alive unless told to. */
  later(ms: number, action: () => void, options?: { keepsAlive?: boolean }): () => void;
}

const MAX_TIMER_MS = 2 ** 31 - 1;

export const realTiming: Timing = {
  now: () => performance.timeOrigin + performance.now(),
  sleep: (ms, signal) =>
    new Promise<void>(resolve => {
      if (signal?.aborted || ms <= 0) return resolve();
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, Math.min(ms, MAX_TIMER_MS));
      signal?.addEventListener('abort', finish, { once: true });
    }),
  later: (ms, action, options) => {
    const timer = setTimeout(action, Math.min(ms, MAX_TIMER_MS));
    if (options?.keepsAlive !== true) timer.unref();
    return () => clearTimeout(timer);
  },
};

/** RFC 3339 in UTC with nine digits, as Go prints a time; the last digits vary with `salt`. */
export function rfc3339Nano(epochMs: number, salt = 0): string {
  const micros = Math.floor((epochMs % 1) * 1000);
  const tail = String(micros).padStart(3, '0') + String(1 + (salt % 999)).padStart(3, '0');
  return `${new Date(epochMs).toISOString().slice(0, -1)}${tail}Z`;
}
