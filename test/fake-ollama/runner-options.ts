/** The `options` object: types are checked per field, and some fields force the model to be loaded again. */
import { WireError } from './wire-error.ts';

type OptionType = 'integer' | 'float32' | 'boolean' | 'array';

const OPTION_TYPES: Readonly<Record<string, OptionType>> = {
  num_ctx: 'integer',
  num_batch: 'integer',
  num_gpu: 'integer',
  main_gpu: 'integer',
  use_mmap: 'boolean',
  num_thread: 'integer',
  draft_num_predict: 'integer',
  num_keep: 'integer',
  seed: 'integer',
  num_predict: 'integer',
  top_k: 'integer',
  top_p: 'float32',
  min_p: 'float32',
  typical_p: 'float32',
  repeat_last_n: 'integer',
  temperature: 'float32',
  repeat_penalty: 'float32',
  presence_penalty: 'float32',
  frequency_penalty: 'float32',
  stop: 'array',
};

const RUNNER_OPTIONS = [
  'num_ctx',
  'num_batch',
  'num_gpu',
  'main_gpu',
  'use_mmap',
  'num_thread',
  'draft_num_predict',
] as const;

export type Options = Readonly<Record<string, unknown>>;

const wrongType = (name: string, type: string) =>
  new WireError(500, `option ${JSON.stringify(name)} must be of ${type}`);

/** Throws the 500 that Ollama gives for an option of the wrong type; unknown options only warn there. */
export function checkOptions(options: Options): void {
  for (const [name, value] of Object.entries(options)) {
    const type = OPTION_TYPES[name];
    if (type === undefined || value === null) continue;
    if (type === 'array') checkStrings(name, value);
    else if (typeof value !== (type === 'boolean' ? 'boolean' : 'number')) throw wrongType(name, `type ${type}`);
  }
}

function checkStrings(name: string, value: unknown): void {
  if (!Array.isArray(value)) throw wrongType(name, 'type array');
  if (value.some(item => typeof item !== 'string')) throw wrongType(name, 'an array of strings');
}

export interface RunnerSettings {
  /** Undefined when the client leaves it to the server: two such requests never reload each other's runner. */
  numCtx: number | undefined;
  /** The rest of what a runner is started with; any difference reloads. */
  key: string;
}

export function runnerSettings(options: Options, shift: boolean | undefined): RunnerSettings {
  const parts: unknown[] = [shift ?? true];
  for (const name of RUNNER_OPTIONS) {
    if (name !== 'num_ctx') parts.push(options[name] ?? null);
  }
  const numCtx = options['num_ctx'];
  return { numCtx: typeof numCtx === 'number' ? Math.max(4, numCtx) : undefined, key: JSON.stringify(parts) };
}
