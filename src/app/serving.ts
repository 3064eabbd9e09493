/**
 * Whether a worker serves, and the orders that change it. Orders come over the private socket, perhaps twice, perhaps crossed:
 * they are carried out one after the other, each looks at the state that it finds, and none brings back a worker that leaves.
 *
 * States: `starting` -> `ready` <-> `standby`; every one of them -> `draining`, which is the last.
 */
import type { Standby } from './standby.ts';

/** `standby`: does not listen, but could at once. */
export type ServingState = 'starting' | 'ready' | 'standby' | 'draining';

export interface ServingOptions {
  readonly standby: Pick<Standby, 'begin' | 'end' | 'cancel'>;
  readonly onChange: (state: ServingState) => void;
}

export class Serving {
  readonly #options: ServingOptions;
  #state: ServingState = 'starting';
  #orders: Promise<void> = Promise.resolve();

  constructor(options: ServingOptions) {
    this.#options = options;
  }

  get state(): ServingState {
    return this.#state;
  }

  /** The start is over. @returns false when the worker was told to leave meanwhile */
  begin(): boolean {
    if (this.#state !== 'starting') return false;
    this.#become('ready');
    return true;
  }

  leave(): void {
    this.#options.standby.cancel();
    this.#become('draining');
  }

  /** @throws when the address cannot be bound again; the worker then stays on standby */
  live(): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#state !== 'standby') return;
      await this.#options.standby.end();
      // Binding took a moment, in which it may have been told to leave; the drain then closes what was just opened.
      if (this.state === 'standby') this.#become('ready');
    });
  }

  standby(): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#state !== 'ready') return;
      this.#options.standby.begin();
      this.#become('standby');
    });
  }

  #inOrder(work: () => Promise<void>): Promise<void> {
    const result = this.#orders.then(work);
    this.#orders = result.catch(() => undefined);
    return result;
  }

  #become(state: ServingState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.onChange(state);
  }
}
