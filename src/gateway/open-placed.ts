/**
 * Opens a request that uses a model: on a host where it has a slot, and on the next when that one does not have the model,
 * cannot be dialled or breaks before anything of an answer has begun. The slot is left when the exchange is over in whatever
 * way, which may be before the client has read all of it: the host is free then.
 */
import { DeciError, toDeciError } from '../kernel/errors.ts';
import { modelKey } from '../ollama/model-key.ts';
import type { Attempt } from '../ollama/ollama-pool.ts';
import { readRefusal } from '../ollama/refusal.ts';
import type { ExchangeLimits } from '../ollama/upstream-exchange.ts';
import type { UpstreamHost, UpstreamRequest } from '../ollama/upstream-host.ts';

/** What a host is chosen by. */
export interface Wanted {
  readonly model: string;
  /** The request as it is sent; hosts that have read its beginning before are preferred. */
  readonly body: Buffer | string;
}

/** What this needs of the hosts. */
export interface Hosts {
  /** Those that may be asked, in the order in which they are wanted; empty when none is left. */
  candidates(wanted?: Wanted, tried?: ReadonlySet<string>): UpstreamHost[];
  /** Why there is nobody to ask. */
  nobody(tried: readonly string[]): DeciError;
  open(
    request: UpstreamRequest,
    limits: ExchangeLimits,
    signal: AbortSignal,
    candidates: readonly UpstreamHost[],
  ): Promise<Attempt>;
}

export interface PlaceSample {
  readonly tokensPerSecond: number;
  /** From sending to the first token, less loading and reading the prompt. */
  readonly innerWaitMs: number;
  readonly generatedMs: number;
}

/** A slot of a host, held. */
export interface Place {
  readonly host: string;
  readonly waitedMs: number;
  /** Idempotent. `aborted`: the host may still be working on it. */
  leave(how?: 'aborted'): void;
  observe(sample: PlaceSample): void;
  overloaded(): void;
}

/** What this needs of the admission: who may use a model, where, and when. */
export interface Admission {
  enter(
    entry: { readonly model: string; readonly group: string; readonly hosts: () => readonly string[] },
    signal: AbortSignal,
  ): Promise<Place>;
}

export interface PlacedDeps {
  readonly hosts: Hosts;
  readonly admission: Admission;
  readonly limits: ExchangeLimits;
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
  request: UpstreamRequest,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Placed> {
  const tried = new Set<string>();
  let refusal: DeciError | undefined;
  const model = modelKey(wanted.model);
  let candidates: readonly UpstreamHost[] = [];
  const hosts = (): string[] => {
    candidates = deps.hosts.candidates(wanted, tried);
    if (candidates.length === 0) throw refusal ?? deps.hosts.nobody([...tried]);
    return candidates.map(host => host.name);
  };
  for (;;) {
    const group = tried.size === 0 ? model : `${model} not ${[...tried].join(' ')}`;
    const place = await deps.admission.enter({ model, group, hosts }, signal);
    const host = candidates.find(candidate => candidate.name === place.host);
    const opened = await openAt(deps, { request, place, host }, signal);
    if (!(opened instanceof DeciError)) return opened;
    if (opened.code === 'model_not_found') refusal = opened;
    tried.add(place.host);
  }
}

interface Opening {
  readonly request: UpstreamRequest;
  readonly place: Place;
  readonly host: UpstreamHost | undefined;
}

/** @returns the error when another host may be asked instead */
async function openAt(
  { hosts, limits }: PlacedDeps,
  { request, place, host }: Opening,
  signal: AbortSignal,
): Promise<Placed | DeciError> {
  const left = limits.totalMs === undefined ? undefined : Math.max(1, limits.totalMs - place.waitedMs);
  const sentAtMs = performance.now();
  try {
    if (host === undefined) throw new DeciError('upstream_unreachable');
    const attempt = await withOneRetry(() => hosts.open(request, { ...limits, totalMs: left }, signal, [host]));
    attempt.exchange.whenOver(error => leave(place, error));
    if (attempt.exchange.status < 300) return { attempt, place, firstTokenMs: performance.now() - sentAtMs };
    const refusal = await readRefusal(attempt.exchange);
    if (refusal.status === 503) place.overloaded();
    throw refusal;
  } catch (thrown) {
    const error = toDeciError(thrown);
    leave(place, error);
    if (error.code !== 'model_not_found' && error.code !== 'upstream_unreachable') throw error;
    return error;
  }
}

/** After these the host has nothing more to do for us; after all others it is we who turned away. */
const hostIsDone: ReadonlySet<string> = new Set([
  'upstream_unreachable',
  'upstream_broken',
  'upstream_refused',
  'model_not_found',
]);
const hostIsLate: ReadonlySet<string> = new Set(['first_token_timeout', 'stall_timeout']);

function leave(place: Place, error: DeciError | undefined): void {
  if (error !== undefined && hostIsLate.has(error.code)) place.overloaded();
  place.leave(error === undefined || hostIsDone.has(error.code) ? undefined : 'aborted');
}

/** A kept-alive connection may have been closed by the host in the moment we used it; nothing was generated then. */
async function withOneRetry<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof DeciError) || error.code !== 'upstream_broken') throw error;
    return await send();
  }
}
