/**
 * Gives work a signal that fires when its time is over. The timer keeps the process alive, which `AbortSignal.timeout` does
 * not: a process that is only waiting for its shutdown to finish would end in the middle of it.
 */
export async function withDeadline<T>(maxMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), maxMs);
  try {
    return await work(deadline.signal);
  } finally {
    clearTimeout(timer);
  }
}

/** Rejects when the signal fires: for a race with work that does not listen to it. */
export async function late(signal: AbortSignal, message: string): Promise<never> {
  await aborted(signal);
  throw new Error(message);
}

/** Resolves when the signal fires. For signals that end with the work they belong to: the listener lives as long. */
export function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}
