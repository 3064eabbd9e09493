/** Sends to one host after another until one has the model. What no host has is refused in the words of the last that answered. */
import { DeciError } from '../kernel/errors.ts';
import type { Attempt } from './ollama-pool.ts';
import { readRefusal } from './refusal.ts';
import type { UpstreamHost } from './upstream-host.ts';

/**
 * @param open sends to the first of the given hosts that can be dialled
 * @throws DeciError the refusal of a host, or what `open` throws; a host that answered counts more than one that did not
 */
export async function firstThatHas(
  candidates: readonly UpstreamHost[],
  open: (left: readonly UpstreamHost[]) => Promise<Attempt>,
): Promise<Attempt> {
  let left = candidates;
  let refusal: DeciError | undefined;
  while (left.length > 0) {
    const attempt = await open(left).catch((error: unknown) => {
      const unreachable = error instanceof DeciError && error.code === 'upstream_unreachable';
      throw unreachable && refusal !== undefined ? refusal : error;
    });
    if (attempt.exchange.status < 300) return attempt;
    refusal = await readRefusal(attempt.exchange);
    if (refusal.code !== 'model_not_found') throw refusal;
    left = left.slice(left.indexOf(attempt.host) + 1);
  }
  throw refusal ?? new DeciError('upstream_unreachable');
}
