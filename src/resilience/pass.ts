/**
 * The right to send one attempt to a host. What the attempt came to is told to the board once; a trial is given back as soon as
 * it is known. Owner: the attempt, for as long as its stream lives.
 */
import { type FailureClass, failureRules } from './failure-class.ts';
import type { FailureSource } from './failure-rate.ts';
import type { HeldTrials } from './trials.ts';

interface Board {
  countSuccess(host: string, model: string, owner: string | undefined): void;
  countFailure(
    name: string,
    cause: string,
    attempt: { readonly tried: boolean; readonly isAnswered: boolean; readonly source: FailureSource },
  ): void;
  closeTrial(name: string): void;
}

interface PassOptions {
  readonly host: string;
  /** The name of the model's breaker; the host's where there is no model. */
  readonly model: string;
  /** Who asks what. */
  readonly source: FailureSource;
  readonly trials: HeldTrials | undefined;
  readonly board: Board;
}

/** Whatever it says, the host as a whole is there and answers. */
const answered: ReadonlySet<FailureClass> = new Set([
  'busy',
  'model_missing',
  'client_error',
  'server_error',
  'failed',
]);

export class Pass {
  readonly #options: PassOptions | undefined;
  #trials: HeldTrials | undefined;
  #told = false;

  constructor(options: PassOptions | undefined) {
    this.#options = options;
    this.#trials = options?.trials;
  }

  /** The first of an answer has come. */
  begun(): void {
    if (this.#trials === undefined) return;
    for (const name of this.#trials.keys()) this.#options?.board.closeTrial(name);
    this.#giveBack();
  }

  succeeded(): void {
    if (this.#told || this.#options === undefined) return;
    this.#told = true;
    this.begun();
    const { board, host, model, source } = this.#options;
    board.countSuccess(host, model, source.owner);
  }

  failed(failure: FailureClass, cause: string): void {
    if (this.#told || this.#options === undefined) return;
    this.#told = true;
    const { board, host, model, source } = this.#options;
    const { blame } = failureRules[failure];
    const isAnswered = answered.has(failure);
    if (isAnswered && this.#trials?.has(host) === true) board.closeTrial(host);
    const count = (name: string): void =>
      board.countFailure(name, cause, { tried: this.#trials?.has(name) === true, isAnswered, source });
    if (blame === 'host' || blame === 'both') count(host);
    if (model !== host && (blame === 'model' || blame === 'both')) count(model);
    this.#giveBack();
  }

  /** Nothing was learnt: the client left. */
  left(): void {
    this.#told = true;
    this.#giveBack();
  }

  #giveBack(): void {
    if (this.#trials === undefined) return;
    for (const give of this.#trials.values()) give();
    this.#trials = undefined;
  }
}

/** Where breakers are switched off. */
export const freePass = new Pass(undefined);
