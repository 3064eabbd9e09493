/**
 * The way of one attempt over the hosts: to the next one that has a slot and that the plan does not leave alone, until none is
 * left. Owner: one attempt of one request. Invariant: a slot that is not used is given back at once.
 */
import type { Caller } from '../admission/queue-order.ts';
import { DeciError } from '../kernel/errors.ts';
import type { JsonObject } from '../kernel/json.ts';
import { modelKey } from '../ollama/model-key.ts';
import { type Asker, callerOf } from './asker.ts';
import type { AttemptPlan } from './attempt-plan.ts';

/** What a host is chosen by. */
export interface Wanted {
  readonly model: string;
  /** The request as it is sent; hosts that have read its beginning before are preferred. */
  readonly body: Buffer | string;
  readonly asker: Asker;
  /** The body, where it was parsed. */
  readonly request?: JsonObject | undefined;
  /** Names of the hosts that may be asked; all of them when absent. */
  readonly hosts?: readonly string[] | undefined;
  /** It need not wait for the host that loads the model: that one was asked already. */
  readonly mayLoadElsewhere?: boolean | undefined;
}

export interface PlaceSample {
  readonly tokensPerSecond: number;
  /** From sending to the first token, less loading and reading the prompt. */
  readonly innerWaitMs: number;
  readonly generatedMs: number;
  readonly promptTokens: number;
  /** From sending to the first token, less loading. */
  readonly untilFirstMs: number;
}

/** A slot of a host, held. */
export interface Place {
  readonly host: string;
  readonly waitedMs: number;
  /** Idempotent. `aborted`: the host may still be working on it, for `busyMs` or so. */
  leave(how?: 'aborted', busyMs?: number): void;
  observe(sample: PlaceSample): void;
  overloaded(): void;
}

/** What this needs of the admission: who may use a model, where, and when. */
export interface Admission {
  enter(
    entry: {
      readonly model: string;
      readonly group: string;
      readonly hosts: () => readonly string[];
      readonly caller: Caller;
      readonly maxWaitMs?: number | undefined;
      readonly urgency?: Asker['urgency'];
      readonly onLine?: Asker['onLine'];
    },
    signal: AbortSignal,
  ): Place | Promise<Place>;
}

interface Named {
  readonly name: string;
  readonly inventory?: { has(model: string): boolean | undefined };
}

export interface PlacingDeps<H extends Named> {
  readonly hosts: {
    /** Those that may be asked, in the order in which they are wanted; empty when none is left. */
    candidates(wanted?: Wanted, tried?: readonly string[]): readonly H[];
    /** Why there is nobody to ask. */
    nobody(tried: readonly string[], wanted?: readonly string[]): DeciError;
  };
  readonly admission: Admission;
}

export interface Chosen<H> {
  readonly host: H;
  readonly place: Place;
}

export class Placing<H extends Named> {
  readonly #deps: PlacingDeps<H>;
  readonly #wanted: Wanted;
  readonly #model: string;
  readonly #plan: AttemptPlan;
  /** Hosts that are out of the question for this attempt. */
  readonly #passed: string[] = [];
  #candidates: readonly H[] = [];
  #refusal: DeciError | undefined;
  /** One that has the model cannot be dialled. */
  #away: DeciError | undefined;

  constructor(deps: PlacingDeps<H>, wanted: Wanted, plan: AttemptPlan) {
    this.#deps = deps;
    this.#wanted = wanted;
    this.#model = modelKey(wanted.model);
    this.#plan = plan;
    // Hosts that were not offered because another one loads the model may be asked once that one has failed.
    plan.elsewhere = this;
  }

  /** Of the hosts that would be asked if nobody loaded the model. */
  names(): readonly string[] {
    const wanted = { ...this.#wanted, mayLoadElsewhere: true };
    return this.#deps.hosts.candidates(wanted, this.#passed).map(({ name }) => name);
  }

  /**
   * @returns what was chosen itself where nobody has to wait for it
   * @throws DeciError why there is no host left, the refusal of the admission, or the signal's reason
   */
  next(signal: AbortSignal): Chosen<H> | Promise<Chosen<H>> {
    for (;;) {
      const entered = this.#deps.admission.enter(this.#entry(), signal);
      if (entered instanceof Promise) return this.#nextBehind(entered, signal);
      const chosen = this.#choose(entered);
      if (chosen !== undefined) return chosen;
    }
  }

  async #nextBehind(waited: Promise<Place>, signal: AbortSignal): Promise<Chosen<H>> {
    return this.#choose(await waited) ?? (await this.next(signal));
  }

  /** @returns undefined when the host is to be passed over after all */
  #choose(place: Place): Chosen<H> | undefined {
    const host = this.#candidates.find(candidate => candidate.name === place.host);
    if (host !== undefined && this.#plan.enter(host.name)) return { host, place };
    place.leave();
    this.#passed.push(place.host);
    return undefined;
  }

  #entry(): Parameters<Admission['enter']>[0] {
    const { asker, body, request } = this.#wanted;
    return {
      model: this.#model,
      group: this.#group(),
      hosts: this.#hosts,
      caller: callerOf(asker, body, request),
      maxWaitMs: this.#plan.remainingMs,
      urgency: asker.urgency,
      onLine: asker.onLine,
    };
  }

  /** The host cannot be dialled, or does not have the model. */
  passOver(host: H, error: DeciError): void {
    this.#plan.passOver(error);
    if (error.code === 'model_not_found') this.#refusal = error;
    else if (host.inventory?.has(this.#model) === true) this.#away = error;
    this.#passed.push(host.name);
  }

  /** Asked again for as long as the request waits: breakers open meanwhile, and hosts come and go. */
  readonly #hosts = (): string[] => {
    const { hosts } = this.#deps;
    const out = [...this.#passed];
    for (;;) {
      const found = hosts.candidates(this.#wantedNow(), out);
      if (found.length === 0) throw this.#nobody(out.length > this.#passed.length);
      this.#candidates = this.#plan.order(found);
      if (this.#candidates.length > 0) return this.#candidates.map(host => host.name);
      out.push(...found.map(({ name }) => name));
    }
  };

  #wantedNow(): Wanted {
    const hasFailed = this.#plan.asked.length > 0 || this.#passed.length > 0;
    return hasFailed ? { ...this.#wanted, mayLoadElsewhere: true } : this.#wanted;
  }

  /** @param isSkipped whether a host that would have been asked is left alone */
  #nobody(isSkipped: boolean): DeciError {
    // One that is left alone may have what the others do not.
    if (isSkipped) return new DeciError(this.#refusal === undefined ? 'upstream_unreachable' : 'upstream_resting');
    return this.#away ?? this.#refusal ?? this.#deps.hosts.nobody(this.#passed, this.#wanted.hosts);
  }

  /** Who tried nothing yet waits for the same as all others who want this model. */
  #group(): string {
    const { hosts } = this.#wanted;
    const group = hosts === undefined ? this.#model : `${this.#model} at ${hosts.join(' ')}`;
    const { asked } = this.#plan;
    if (asked.length === 0 && this.#passed.length === 0) return group;
    return `${group} not ${[...new Set([...asked, ...this.#passed])].join(' ')}`;
  }
}
