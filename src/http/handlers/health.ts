/** Probes. `live` is about the process alone, `ready` and `startup` about this worker, `health` about the service. */
import { DeciError } from '../../kernel/errors.ts';
import type { RequestContext } from '../request-context.ts';
import { sendBody } from '../respond.ts';
import type { Handler } from '../route-table.ts';

export interface CheckedHost {
  readonly name: string;
  readonly state:
    | { readonly is: 'unknown' }
    | { readonly is: 'up'; readonly version: string; readonly models: number }
    | { readonly is: 'down' | 'silent'; readonly reason: string };
}

/** What is known of a host beyond its own answers to probes. */
interface Condition {
  readonly is: string;
  readonly reason?: string;
}

export interface Healing {
  /** Null when the journal cannot be read. */
  readonly last_24h: number | null;
  readonly active: readonly string[];
}

export interface HealthDeps {
  readonly version: string;
  readonly hosts: readonly CheckedHost[];
  /** Undefined until it is known. */
  readonly conditionOf: (host: string) => Condition | undefined;
  /** Why the store of what is kept cannot be used; undefined when it can. */
  readonly storeFailure: () => string | undefined;
  readonly healing: () => Promise<Healing>;
  readonly state: () => 'starting' | 'ready' | 'standby' | 'draining';
}

type Status = 'pass' | 'warn' | 'fail';

interface Check {
  readonly status: Status;
  readonly time: string;
}

/** Nothing here is a failure: the process is fine, requests are answered, and restarting it would heal nothing. */
export function health({ version, hosts, conditionOf, storeFailure, healing }: HealthDeps): Handler {
  return async context => {
    const checks: Record<string, readonly Check[]> = { store: [storeCheck(storeFailure())] };
    for (const host of hosts) checks[`ollama:${host.name}`] = [checkOf(host, conditionOf(host.name))];
    const status: Status = Object.values(checks).every(([check]) => check?.status === 'pass') ? 'pass' : 'warn';
    const common = { status, version, release_id: version };
    // Names of hosts, and what is wrong with them, are for those who may look.
    const details = context.principal === undefined ? {} : { checks, healing: await healing() };
    sendHealth(context, 200, { ...common, ...details });
  };
}

function storeCheck(failure: string | undefined): Check & { readonly output?: string } {
  const time = new Date().toISOString();
  return failure === undefined ? { status: 'pass', time } : { status: 'warn', time, output: failure };
}

const troubles: ReadonlySet<string> = new Set(['wedged', 'quarantined', 'down']);

function checkOf({ state }: CheckedHost, condition: Condition | undefined): Check & Readonly<Record<string, unknown>> {
  const time = new Date().toISOString();
  switch (state.is) {
    case 'up':
      // It answers probes, and nevertheless gets no requests.
      if (condition !== undefined && troubles.has(condition.is)) {
        return {
          status: 'warn',
          time,
          output: `${condition.is}: ${condition.reason ?? ''}`,
          observed_value: state.version,
        };
      }
      return { status: 'pass', time, observed_value: state.version, models: state.models };
    case 'down':
      return { status: 'warn', time, output: `not reachable: ${state.reason}` };
    case 'silent':
      return { status: 'warn', time, output: `wedged: ${state.reason}` };
    case 'unknown':
      return { status: 'warn', time, output: 'not asked yet' };
    default:
      return state satisfies never;
  }
}

/** Never looks at Ollama: a probe that did would turn an outage of Ollama into a restart loop of ours. */
export const live: Handler = context => sendHealth(context, 200, { status: 'pass' });

export function ready({ state }: HealthDeps): Handler {
  return context => {
    if (state() === 'draining') throw new DeciError('draining', { message: 'this worker is leaving' });
    if (state() === 'standby') throw new DeciError('starting', { message: 'this worker is on standby' });
    sendHealth(context, 200, { status: 'pass' });
  };
}

export function startup({ state }: HealthDeps): Handler {
  return context => {
    if (state() === 'starting') throw new DeciError('starting');
    sendHealth(context, 200, { status: 'pass' });
  };
}

function sendHealth(context: RequestContext, status: number, value: object): void {
  const wanted = context.req.headers.accept?.includes('application/health+json') === true;
  sendBody(
    context,
    status,
    wanted ? 'application/health+json' : 'application/json; charset=utf-8',
    JSON.stringify(value),
  );
}
