/**
 * Follows the state of every host, as this worker sees it, for the metrics, the log and `npm run status`. Owner: the composition
 * root of a worker.
 */
import type { RouteDeps } from '../http/routes.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { Ticker } from '../kernel/ticker.ts';
import type { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/logger.ts';

type HostView = ReturnType<RouteDeps['hosts']['list']>[number];

export interface HostStatesOptions {
  readonly list: () => readonly HostView[];
  readonly events: Pick<Events, 'hostState'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly random: () => number;
}

const lookEveryMs = 1000;
/** What comes and goes with every request is nothing for a log. */
const isTold: ReadonlySet<string> = new Set(['wedged', 'quarantined', 'draining']);

export class HostStates implements Resource {
  readonly name = 'host-states';
  readonly #options: HostStatesOptions;
  readonly #ticker: Ticker;
  readonly #states = new Map<string, HostView['state']>();

  constructor(options: HostStatesOptions) {
    this.#options = options;
    this.#ticker = new Ticker({
      name: this.name,
      intervalMs: lookEveryMs,
      tick: async () => {
        for (const view of options.list()) this.#note(view);
        return undefined;
      },
      random: options.random,
      onFailure: error => options.log.warn('the states of hosts cannot be followed', { cause: String(error) }),
    });
  }

  async start(): Promise<void> {
    await this.#ticker.start();
  }

  async stop(): Promise<void> {
    await this.#ticker.stop();
  }

  /** As of a moment ago. */
  of(host: string): HostView['state'] | undefined {
    return this.#states.get(host);
  }

  #note({ name: upstream, state }: HostView): void {
    const before = this.#states.get(upstream);
    this.#states.set(upstream, state);
    if (before?.is === state.is) return;
    const { events, log } = this.#options;
    events.hostState({ upstream, state: state.is });
    if (isTold.has(state.is)) log.warn(`ollama host is ${state.is}`, { upstream, reason: state.reason });
    else if (before !== undefined && isTold.has(before.is)) {
      log.info(`ollama host is not ${before.is} any more`, { upstream, state: state.is });
    }
  }
}
