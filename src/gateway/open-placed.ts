/**
 * Opens a request that uses a model: on a host where it has a slot, and on the next when that one does not have the model or
 * cannot be dialled. Every other failure ends the attempt; whether there is another one is decided in front of this. The slot
 * is left when the exchange is over in whatever way, which may be before the client has read all of it: the host is free then.
 */
import { type DeciError, toDeciError } from '../kernel/errors.ts';
import type { Attempt } from '../ollama/ollama-pool.ts';
import { readRefusal } from '../ollama/refusal.ts';
import type { ExchangeLimits } from '../ollama/upstream-exchange.ts';
import type { UpstreamHost, UpstreamRequest } from '../ollama/upstream-host.ts';
import type { AdaptiveLimits } from './adaptive-limits.ts';
import type { AttemptPlan } from './attempt-plan.ts';
import { type Admission, type Place, Placing, type Wanted } from './placing.ts';

/** What this needs of the hosts. */
export interface Hosts {
  /** Those that may be asked, in the order in which they are wanted; empty when none is left. */
  candidates(wanted?: Wanted, tried?: readonly string[]): UpstreamHost[];
  /** Why there is nobody to ask. */
  nobody(tried: readonly string[], wanted?: readonly string[]): DeciError;
  open(
    request: UpstreamRequest,
    limits: ExchangeLimits,
    signal: AbortSignal,
    candidates: readonly UpstreamHost[],
  ): Promise<Attempt>;
}

export interface PlacedDeps {
  readonly hosts: Hosts;
  readonly admission: Admission;
  readonly limits: ExchangeLimits;
  /** Undefined where the limits are the same for every host and model. */
  readonly adaptive?: AdaptiveLimits | undefined;
}

export interface PlacedRequest {
  readonly request: UpstreamRequest;
  readonly wanted: Wanted;
  readonly plan: AttemptPlan;
}

export interface Placed {
  readonly attempt: Attempt;
  readonly place: Place;
  /** From sending to the status, which comes with the first token. */
  readonly firstTokenMs: number;
}

/** @throws DeciError the refusal of a host, or of the admission, or what else went wrong; a host that answered counts most */
export async function openPlaced(
  deps: PlacedDeps,
  { request, wanted, plan }: PlacedRequest,
  signal: AbortSignal,
): Promise<Placed> {
  const placing = new Placing<UpstreamHost>(deps, wanted, plan);
  for (;;) {
    const chosen = placing.next(signal);
    const { host, place } = chosen instanceof Promise ? await chosen : chosen;
    // Of what was waited for a slot, or spent at another host, nothing is left for this one.
    const limits = plan.limits(deps.limits);
    const own = deps.adaptive?.for(host, wanted, limits) ?? limits;
    const sentAtMs = performance.now();
    try {
      const attempt = await deps.hosts.open(request, own, signal, [host]);
      attempt.exchange.whenOver(error => leave(place, error));
      if (attempt.exchange.status >= 300) throw await refusalOf(attempt, place);
      return { attempt, place, firstTokenMs: performance.now() - sentAtMs };
    } catch (thrown) {
      const error = toDeciError(thrown);
      // Until the first token, as far as anybody knows: so long the host is at work, whoever hangs up.
      const readMs = deps.adaptive?.expectedMs(host, wanted) ?? assumedMs(wanted);
      leave(place, error, Math.max(0, readMs - (performance.now() - sentAtMs)));
      if (error.code !== 'model_not_found' && error.code !== 'upstream_unreachable') throw error;
      placing.passOver(host, error);
    }
  }
}

/** Of reading a prompt, where nothing is known of the host: some 250 tokens a second. */
const assumedMsPerByte = 1;
const maxAssumedMs = 20_000;

function assumedMs({ body }: Wanted): number {
  return Math.min(maxAssumedMs, body.length * assumedMsPerByte);
}

async function refusalOf({ exchange }: Attempt, place: Place): Promise<DeciError> {
  const refusal = await readRefusal(exchange);
  if (refusal.status === 503) place.overloaded();
  return refusal;
}

/** After these the host has nothing more to do for us; after all others it is we who turned away. */
const hostIsDone: ReadonlySet<string> = new Set([
  'upstream_unreachable',
  'upstream_broken',
  'upstream_refused',
  'model_not_found',
]);
const hostIsLate: ReadonlySet<string> = new Set(['first_token_timeout', 'stall_timeout']);

function leave(place: Place, error: DeciError | undefined, busyMs = 0): void {
  if (error !== undefined && hostIsLate.has(error.code)) place.overloaded();
  place.leave(error === undefined || hostIsDone.has(error.code) ? undefined : 'aborted', busyMs);
}
