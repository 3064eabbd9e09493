/** What one fake server is: its models, its speed and its limits. All of it can be changed while it runs. */

export interface FakeOptions {
  port: number;
  host: string;
  /** Names in the list of models; undefined takes the whole built-in catalogue. */
  models: readonly string[] | undefined;
  /** Tokens of an answer when the request does not say `num_predict`. */
  tokens: number;
  /** Pause per generated token; 0 writes the whole answer at once. */
  tokenMs: number;
  /** Fixed cost before the first token. */
  firstTokenMs: number;
  /** Extra cost per prompt token that the prompt cache does not hold. */
  promptTokenMs: number;
  loadMs: number;
  /** Pause between two progress lines of pull, push and create. */
  progressMs: number;
  numParallel: number;
  maxLoaded: number;
  maxQueue: number;
  keepAliveMs: number;
  version: string;
  /** Longest request body kept parsed in the record of requests. */
  recordBodyBytes: number;
  /** Requests remembered; older ones are forgotten. */
  recordRequests: number;
  /** Whether foreign `Origin` and `Host` values get the 403 that Ollama gives them. */
  enforceOrigins: boolean;
}

export const DEFAULT_OPTIONS: Readonly<FakeOptions> = {
  port: 0,
  host: '127.0.0.1',
  models: undefined,
  tokens: 20,
  tokenMs: 0,
  firstTokenMs: 0,
  promptTokenMs: 0,
  loadMs: 0,
  progressMs: 0,
  numParallel: 1,
  maxLoaded: 3,
  maxQueue: 512,
  keepAliveMs: 300_000,
  version: '0.33.0',
  recordBodyBytes: 65_536,
  recordRequests: 1000,
  enforceOrigins: true,
};

const NUMERIC_OPTIONS = new Set<string>(
  Object.entries(DEFAULT_OPTIONS)
    .filter(([, value]) => typeof value === 'number')
    .map(([name]) => name),
);

/** Copies the known fields of `changes` that have the right type; anything else is a reason to refuse. */
export function applyOptions(options: FakeOptions, changes: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(changes)) {
    if (NUMERIC_OPTIONS.has(name) && typeof value === 'number' && value >= 0) {
      Object.assign(options, { [name]: value });
    } else if (
      (name === 'version' && typeof value === 'string') ||
      (name === 'enforceOrigins' && typeof value === 'boolean')
    ) {
      Object.assign(options, { [name]: value });
    } else {
      throw new TypeError(`unknown option or wrong type: ${name}`);
    }
  }
}
