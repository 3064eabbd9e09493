/** Which answers end first when memory is nearly gone. Pure. */

/** What is smaller frees nothing worth an answer. */
const worthBytes = 256 * 1024;

/** @returns at most a tenth of them, at least one where any is worth it; the most expensive first */
export function mostExpensive<T>(requests: Iterable<T>, bytesOf: (request: T) => number): T[] {
  const all = [...requests].map(request => ({ request, bytes: bytesOf(request) }));
  return all
    .filter(({ bytes }) => bytes >= worthBytes)
    .toSorted((left, right) => right.bytes - left.bytes)
    .slice(0, Math.max(1, Math.floor(all.length / 10)))
    .map(({ request }) => request);
}
