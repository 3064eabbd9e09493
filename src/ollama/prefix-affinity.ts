/**
 * Which host read the beginning of a prompt last: it may still have it in its cache, and begins sooner. Owner: the pool of a
 * worker. Bounded: the oldest is forgotten. A hash stands for the text, since texts of clients are not kept; two texts of one
 * hash cost a longer reading, nothing else.
 */
const maxPrefixes = 2000;
const prefixBytes = 512;
/** What stands before the prompt differs in no way that matters. */
const openings = ['"messages"', '"prompt"', '"input"'];

export class PrefixAffinity {
  readonly #hosts = new Map<number, string>();

  hostOf(prefix: number): string | undefined {
    return this.#hosts.get(prefix);
  }

  note(prefix: number, host: string): void {
    this.#hosts.delete(prefix);
    this.#hosts.set(prefix, host);
    const [oldest] = this.#hosts.keys();
    if (this.#hosts.size > maxPrefixes && oldest !== undefined) this.#hosts.delete(oldest);
  }
}

/** FNV-1a of the model and the first part of the prompt. @param body a native request */
export function prefixHash(model: string, body: Buffer | string): number {
  const start = Math.max(0, ...openings.map(opening => body.indexOf(opening)));
  const part =
    typeof body === 'string' ? body.slice(start, start + prefixBytes) : body.subarray(start, start + prefixBytes);
  const text = `${model} ${typeof part === 'string' ? part : part.toString('latin1')}`;
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
