/**
 * The time limits of one attempt at one host: for a model that the host has in memory what its answers have taken so far says how
 * long a first token may take, for any other what loading one may take. The list of loaded models is a view of the moment before,
 * and another model may have taken this one's place since: so the host is asked again before an attempt is given up as late.
 */
import {
  type AnswerTime,
  type AnswerTimes,
  firstTokenLimit,
  stallLimit,
  type TimeFloors,
} from '../ollama/answer-times.ts';
import type { HostInventory } from '../ollama/host-inventory.ts';
import { modelKey } from '../ollama/model-key.ts';
import type { FinalLine } from '../ollama/ndjson-scanner.ts';
import type { ExchangeLimits } from '../ollama/upstream-exchange.ts';
import { countOf, msOf } from './final-numbers.ts';

export interface TimedHost {
  readonly name: string;
  readonly inventory: HostInventory;
  /** Models that are being loaded for requests of this worker. */
  readonly loading: ReadonlyMap<string, number>;
  probe(signal: AbortSignal): Promise<{ readonly isChanged: boolean }>;
}

export interface AdaptiveLimitsOptions {
  readonly times: AnswerTimes;
  readonly floors: TimeFloors;
  /** Of a first token of a model in memory, where the user has set it; what is learnt is the limit when absent. */
  readonly fixedFirstMs?: number | undefined;
  /** What other workers load. Asked only where an attempt would be given up. */
  readonly loads?: OtherLoads | undefined;
}

export interface OtherLoads {
  isLoading(key: string, host: string): boolean;
  /** Hosts on which somebody has loaded it a moment ago. */
  loadedAt(key: string): ReadonlySet<string>;
}

const bytesPerToken = 4;
const probeMs = 5000;

export class AdaptiveLimits {
  readonly #options: AdaptiveLimitsOptions;

  constructor(options: AdaptiveLimitsOptions) {
    this.#options = options;
  }

  /** @param limits those of a cold model */
  for(host: TimedHost, wanted: { readonly model: string; readonly body: Buffer | string }, limits: ExchangeLimits) {
    const { times, floors, fixedFirstMs } = this.#options;
    const key = modelKey(wanted.model);
    const expected = times.expected(host.name, key);
    const stallMs = fixedFirstMs === undefined ? stallLimit(expected, floors.stallMs) : limits.stallMs;
    const isWarm = host.inventory.isLoaded(key) && !host.loading.has(key);
    const promptTokens = wanted.body.length / bytesPerToken;
    const firstMs = isWarm ? (fixedFirstMs ?? firstTokenLimit(expected, promptTokens, floors.firstMs)) : undefined;
    if (firstMs === undefined || firstMs >= limits.firstMs) return { ...limits, stallMs };
    return { ...limits, stallMs, firstMs, firstAgain: () => this.#firstAgain(host, key, [firstMs, limits.firstMs]) };
  }

  /** Ollama lists what is being loaded among what is in memory, and another worker's request may be what loads it. */
  async #firstAgain(host: TimedHost, key: string, [warmMs, loadMs]: readonly [number, number]): Promise<number> {
    const { loads } = this.#options;
    const coldMs = loadMs - warmMs;
    if (loads?.isLoading(key, host.name) === true) return coldMs;
    // Its time begins where the load ended.
    if (loads?.loadedAt(key).has(host.name) === true) return Math.min(warmMs, coldMs);
    return (await isStillWarm(host, key)) ? 0 : coldMs;
  }

  /** Until the first token of a model in memory; undefined while nothing is known. */
  expectedMs(
    host: Pick<TimedHost, 'name'>,
    { model, body }: { readonly model: string; readonly body: { readonly length: number } },
  ): number | undefined {
    const expected = this.#options.times.guessed(host.name, modelKey(model));
    if (expected === undefined) return undefined;
    return expected.restMs + (expected.msPerPromptToken * body.length) / bytesPerToken;
  }

  /** @param firstTokenMs from sending to the first token */
  saw(host: string, model: string, final: FinalLine, firstTokenMs: number): void {
    const time = timeOf(final, firstTokenMs);
    if (time !== undefined) this.#options.times.saw(host, modelKey(model), time);
  }
}

/** What does not answer is not loading anything, as far as anybody can tell. */
async function isStillWarm(host: TimedHost, key: string): Promise<boolean> {
  try {
    const { isChanged } = await host.probe(AbortSignal.timeout(probeMs));
    return !isChanged && host.inventory.isLoaded(key);
  } catch {
    return true;
  }
}

function timeOf(final: FinalLine, firstTokenMs: number): AnswerTime | undefined {
  const tokens = countOf(final, 'eval_count');
  if (tokens === 0) return undefined;
  return {
    firstTokenMs: Math.max(0, firstTokenMs - msOf(final, 'load_duration')),
    promptTokens: countOf(final, 'prompt_eval_count'),
    promptMs: msOf(final, 'prompt_eval_duration'),
    tokenMs: msOf(final, 'eval_duration') / tokens,
  };
}
