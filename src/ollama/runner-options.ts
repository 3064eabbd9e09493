/**
 * Options that belong to a loaded runner and not to a request: when one of them differs from what is loaded, Ollama unloads the
 * model and loads it anew. Two clients that take turns with different ones make it load for every request. Pure.
 */
import type { JsonObject } from '../kernel/json.ts';
import type { RunnerPolicy } from './virtual-model.ts';

/** Those that Ollama compares (`Runner` in its api/types.go). */
const runnerOptions = [
  'num_ctx',
  'num_batch',
  'num_gpu',
  'main_gpu',
  'use_mmap',
  'num_thread',
  'draft_num_predict',
] as const;

const leastContext = 2048;

export interface Normalised {
  readonly options: JsonObject;
  /** What was changed of the client's, as `name=value`; a value that was taken away is `default`. */
  readonly changes: readonly string[];
}

export interface RunnerRules {
  readonly policy: RunnerPolicy;
  /** Of a client's, in tokens; the memory of a host grows with it. What a virtual model says itself may be more. */
  readonly maxContext: number;
  /** Whether the caller answers for the hosts himself. */
  readonly mayManage: boolean;
}

/**
 * `keep`: the client's hold. `round_up`: a context of a size that others ask for as well, never smaller than it was asked for,
 * so that an answer loses nothing; of the rest only those of the defaults hold, unless an admin asks. `fix`: only those of the
 * defaults hold.
 * @param defaults of the virtual model
 */
export function normaliseRunnerOptions(asked: JsonObject, defaults: JsonObject, rules: RunnerRules): Normalised {
  const { policy, mayManage } = rules;
  const changes: string[] = [];
  const options: JsonObject = { ...defaults, ...asked };
  const change = (name: string, value: unknown): void => {
    if (value === undefined) delete options[name];
    else options[name] = value;
    if (value !== asked[name]) changes.push(`${name}=${value === undefined ? 'default' : JSON.stringify(value)}`);
  };
  const { num_ctx: context } = asked;
  for (const name of runnerOptions) {
    const isDropped = policy === 'fix' || (policy === 'round_up' && name !== 'num_ctx' && !mayManage);
    if (isDropped && isGiven(asked[name])) change(name, defaults[name]);
  }
  if (policy !== 'fix' && typeof context === 'number') {
    change('num_ctx', contextFor(context, defaults['num_ctx'], rules));
  }
  return { options, changes };
}

function contextFor(asked: number, usual: unknown, { policy, maxContext, mayManage }: RunnerRules): number {
  const wanted = policy === 'round_up' && isCount(asked) ? roundedContext(asked, usual) : asked;
  if (mayManage) return wanted;
  return Math.min(wanted, isCount(usual) ? Math.max(maxContext, usual) : maxContext);
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value <= 2 ** 30;
}

/** The size that the others have by default, where it is enough; else the next power of two. */
function roundedContext(asked: number, usual: unknown): number {
  if (isCount(usual) && asked <= usual) return usual;
  return Math.max(leastContext, 2 ** Math.ceil(Math.log2(asked)));
}
