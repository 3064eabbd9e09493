/**
 * Failures to connect that say nothing of the other side: this process, or this machine, has no file, port or memory left for it.
 * No server is to be called down for that.
 */
const codes: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);
const maxDepth = 4;

/** Looks through what wraps it, and into all of several attempts to connect. */
export function isOwnShortage(thrown: unknown, depth = 0): boolean {
  if (!(thrown instanceof Error) || depth > maxDepth) return false;
  if (thrown instanceof AggregateError) {
    return thrown.errors.length > 0 && thrown.errors.every(error => isOwnShortage(error, depth + 1));
  }
  return ('code' in thrown && codes.has(thrown.code)) || isOwnShortage(thrown.cause, depth + 1);
}
