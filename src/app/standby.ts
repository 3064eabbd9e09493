/**
 * A worker that stands by: it has left the listener, finishes what it has, lets its clients go to the workers that serve,
 * and can serve again at once. What the drain does for good is done here for a while.
 */
import type { ActiveRequests } from '../http/active-requests.ts';
import type { HttpServer } from '../http/server.ts';

export interface StandbyOptions {
  readonly active: Pick<ActiveRequests, 'beginDrain' | 'endDrain'>;
  readonly server: Pick<HttpServer, 'leave' | 'listen' | 'closeIdle' | 'connections'>;
}

/** A keep-alive client may have its next request on the wire; see the drain. */
const keepAliveGraceMs = 1500;
const sweepMs = 500;

export class Standby {
  readonly #options: StandbyOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: StandbyOptions) {
    this.#options = options;
  }

  begin(): void {
    const { active, server } = this.#options;
    active.beginDrain();
    server.leave();
    this.#sweepIn(keepAliveGraceMs);
  }

  /** @throws when the address cannot be bound again */
  async end(): Promise<void> {
    this.cancel();
    const { active, server } = this.#options;
    await server.listen();
    active.endDrain();
  }

  /** Stops closing idle connections; what comes next does it itself. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #sweepIn(ms: number): void {
    this.#timer = setTimeout(() => {
      const { server } = this.#options;
      server.closeIdle();
      if (server.connections > 0) this.#sweepIn(sweepMs);
    }, ms).unref();
  }
}
