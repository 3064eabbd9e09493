/**
 * Which hosts one attempt asks, in which order, and what became of each: the link between the choice of a host and what is
 * known of the hosts' health. Owner: one attempt of one request.
 */
import { DeciError } from '../kernel/errors.ts';
import { causeOf } from '../ollama/damaged-model.ts';
import { modelKey } from '../ollama/model-key.ts';
import type { ExchangeLimits } from '../ollama/upstream-exchange.ts';
import type { BreakerBoard } from '../resilience/breaker-board.ts';
import { classifyFailure, type FailureClass } from '../resilience/failure-class.ts';
import type { HostOutlook } from '../resilience/host-outlook.ts';
import { freePass, type Pass } from '../resilience/pass.ts';
import { type RetryPolicy, ruleFor } from '../resilience/retry-policy.ts';
import type { RecordedQuestion } from './job.ts';

export interface HostHealth {
  readonly board: BreakerBoard;
  readonly outlook: HostOutlook;
  readonly random: () => number;
}

export interface AttemptTarget {
  readonly model: string;
  readonly embeds: boolean;
  /** Whose request it is, and its body: failures are counted by that. */
  readonly owner?: string | undefined;
  readonly body?: Buffer | string | undefined;
  /** Where the client gives all attempts together less time than we do. */
  readonly timeoutMs?: number | undefined;
  /** Of the model, where it has one. */
  readonly retry?: RetryPolicy | undefined;
  /** What is asked, where an old answer may do. */
  readonly question?: RecordedQuestion | undefined;
}

/** Names of hosts by what all attempts of a request did with them, each once. Lists, since they are few and made for each request. */
export interface AskedHosts {
  readonly asked: string[];
  /** Not to be asked again: what failed there would fail there once more. */
  readonly barred: string[];
}

interface Elsewhere {
  names(): readonly string[];
}

interface Named {
  readonly name: string;
}

export class AttemptPlan {
  /** Of the host that was asked last. Whoever holds the answer tells it how the answer ended. */
  pass: Pass = freePass;
  readonly #health: HostHealth;
  readonly #target: AttemptTarget;
  /** By which breakers know it: two names of one model are one. */
  readonly #model: string;
  readonly #hosts: AskedHosts;
  readonly #leftMs: () => number;
  /** Hosts that were wanted at any time, while the attempt waited for its turn. */
  readonly #wanted: string[] = [];
  #host: string | undefined;
  #hasAsked = false;

  constructor(health: HostHealth, target: AttemptTarget, hosts: AskedHosts, leftMs: () => number) {
    this.#health = health;
    this.#target = target;
    this.#model = target.model === '' ? '' : modelKey(target.model);
    this.#hosts = hosts;
    this.#leftMs = leftMs;
  }

  /** Of the time of all attempts together, at this moment: waiting and asking other hosts take theirs of it. At least 1. */
  get remainingMs(): number {
    return Math.max(1, this.#leftMs());
  }

  /** Hosts that may be asked when the one that was offered has failed. */
  elsewhere: Elsewhere | undefined;

  /** By all attempts so far. */
  get asked(): readonly string[] {
    return this.#hosts.asked;
  }

  /**
   * The hosts that may be asked: of those not asked yet, if there are any, since it is better to wait for another one than to
   * ask the one that failed; those that want trying first, the rest as they came.
   */
  order<H extends Named>(candidates: readonly H[]): readonly H[] {
    const { asked, barred } = this.#hosts;
    for (const { name } of candidates) addOnce(this.#wanted, name);
    const [only] = candidates;
    // Nearly always: one host, and nothing is known against it.
    if (candidates.length === 1 && only !== undefined && asked.length === 0)
      return this.#isOpen(only.name) ? [] : candidates;
    const may = candidates.filter(({ name }) => !this.#isOpen(name) && !barred.includes(name));
    const fresh = asked.length === 0 ? may : may.filter(({ name }) => !asked.includes(name));
    const open = fresh.length > 0 ? fresh : may;
    if (open.length < 2) return open;
    const ranks = new Map(open.map(host => [host, this.#rank(host.name)]));
    return open.toSorted((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0));
  }

  /** Called right before a host is asked. @returns false when it is to be passed over */
  enter(host: string): boolean {
    const pass = this.#health.board.enter(host, this.#model, this.#target);
    if (pass === undefined) return false;
    this.pass = pass;
    this.#host = host;
    this.#hasAsked = true;
    addOnce(this.#hosts.asked, host);
    return true;
  }

  /** The host that was entered failed, and another one is asked within the same attempt. */
  passOver(error: DeciError): void {
    this.failed(error);
    this.#host = undefined;
  }

  /** @returns the class of the failure that ended the attempt */
  failed(error: DeciError): FailureClass {
    if (this.#isResting(error)) return 'resting';
    const failure = classifyFailure(error, this.#target.embeds);
    if (this.#host === undefined) return failure;
    if (!ruleFor(failure, this.#target.retry).sameHost) addOnce(this.#hosts.barred, this.#host);
    this.pass.failed(failure, causeOf(error));
    const { outlook } = this.#health;
    if (failure === 'unreachable') outlook.lost(this.#host);
    else if (failure === 'busy') outlook.busy(this.#host);
    return failure;
  }

  /** What the client is told: where nobody was asked, why that is so. */
  told(error: DeciError): DeciError {
    if (!this.#isResting(error)) return error;
    const { board } = this.#health;
    const cause = this.#wanted.map(name => board.cause(name, this.#model));
    return cause.every(code => code === 'upstream_unreachable') ? error : new DeciError('upstream_resting');
  }

  begun(): void {
    this.pass.begun();
    if (this.#host !== undefined) this.#health.outlook.served(this.#host);
  }

  left(): void {
    this.pass.left();
  }

  /** Hosts that may be asked and were not, by any attempt. */
  untried(): number {
    const { asked } = this.#hosts;
    const all = new Set([...this.#wanted, ...(this.elsewhere?.names() ?? [])]);
    return [...all].filter(name => !asked.includes(name) && !this.#isOpen(name)).length;
  }

  limits(limits: ExchangeLimits): ExchangeLimits {
    const { remainingMs } = this;
    return { ...limits, totalMs: Math.min(limits.totalMs ?? remainingMs, remainingMs) };
  }

  #isResting({ code }: DeciError): boolean {
    return code === 'upstream_unreachable' && !this.#hasAsked && this.#wanted.length > 0;
  }

  #isOpen(name: string): boolean {
    return this.#health.board.standing(name, this.#model) === 'open';
  }

  /** A host that was just closed again gets its share back little by little. */
  #rank(name: string): number {
    const { board, random } = this.#health;
    const standing = board.standing(name, this.#model);
    if (standing === 'half_open') return 0;
    const share = board.share(name, this.#model);
    return share < 1 && random() >= share ? 2 : 1;
  }
}

function addOnce(names: string[], name: string): void {
  if (!names.includes(name)) names.push(name);
}
