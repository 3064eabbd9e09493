/** Environment -> Config: pure, all errors at once, no value of a secret in a message. */
import { availableParallelism } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { Role } from '../kernel/role.ts';
import { contradictions, printable, upstreamSetting } from './contradictions.ts';
import { buildLoad, type LoadConfig } from './load-settings.ts';
import { buildMemory, type MemoryConfig } from './memory-settings.ts';
import { settingsNotYet } from './misplaced-names.ts';
import { isLoopback } from './own-address.ts';
import type { Setting } from './setting.ts';
import { type SettingName, type SettingValues, settings } from './settings.ts';
import type { UpstreamUrl } from './value-types.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ModelsConfig {
  readonly runnerOptions: 'keep' | 'round_up' | 'fix';
  /** In tokens. */
  readonly maxContext: number;
  readonly keepAlive: { readonly minMs: number; readonly maxMs: number };
  readonly fallbackText: string | undefined;
  /** Names of models that are loaded before anybody asks for them. */
  readonly preWarm: readonly string[];
}

export interface Config {
  readonly port: number | 'auto';
  readonly host: string;
  readonly workers: number;
  /** Since midnight; undefined where it is off. */
  readonly recycleAtMinutes: number | undefined;
  readonly heartbeatMs: number | undefined;
  readonly upstreams: readonly UpstreamUrl[];
  readonly healthIntervalMs: number;
  readonly maxConnections: number;
  readonly queueMax: number;
  /** Undefined where an equal part of a full line is the only bound. */
  readonly queueMaxPerKey: number | undefined;
  readonly timeouts: {
    readonly requestMs: number;
    readonly connectMs: number;
    /** Of a model in memory; undefined where it follows what was learnt. */
    readonly firstTokenMs: number | undefined;
    readonly loadMs: number;
    readonly stallMs: number;
    readonly totalMs: number;
    readonly transferIdleMs: number;
    readonly drainMs: number;
    readonly bootMs: number;
  };
  readonly retries: {
    readonly maxAttempts: number;
    readonly baseMs: number;
    readonly capMs: number;
    readonly ratio: number;
  };
  /** Undefined where they are switched off. */
  readonly breakers: { readonly failures: number; readonly resetMs: number } | undefined;
  /** Undefined where idle hosts are not asked. */
  readonly canaryMs: number | undefined;
  /** `auto`, `off`, or a command for the shell. */
  readonly ollamaRestart: string;
  readonly bodyLimits: { readonly jsonBytes: number; readonly inferenceBytes: number };
  /** Undefined where it is switched off. */
  readonly cache: CacheConfig | undefined;
  readonly models: ModelsConfig;
  readonly memory: MemoryConfig;
  readonly load: LoadConfig;
  readonly crashes: { readonly budget: number; readonly probeEveryMs: number };
  /** The role of callers without a key; undefined where every caller needs one. */
  readonly anonymousRole: Role | undefined;
  readonly allowedOrigins: readonly string[];
  readonly allowedHosts: readonly string[];
  readonly places: Places;
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
}

export interface CacheConfig {
  readonly ttlMs: number;
  readonly staleMs: number;
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly sharedBytes: number;
  readonly write: 'behind' | 'through';
  /** Part of `ttlMs`. */
  readonly refreshAfter: number | undefined;
  readonly warmFile: string | undefined;
  /** Who shares answers, where a virtual model does not say it. */
  readonly scope: 'tenant' | 'key';
}

export interface Places {
  readonly home: string;
  readonly dataDir: string;
  readonly runDir: string;
  /** Undefined where memory is to be looked for. */
  readonly hotDir: string | undefined;
  readonly logDir: string;
  readonly logDirFallback: string | undefined;
}

/** Every complaint about the configuration, one line each. The process that sees it exits 78. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map(problem => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/**
 * @param env variables by name; an empty value counts as absent
 * @param checkout the folder of the code, which is the default of DECI_HOME
 * @param found problems of where the environment was read from, to be told together with those of its values
 * @throws ConfigError with every problem found
 */
export function readConfig(env: Environment, checkout: string, found: readonly string[] = []): Config {
  const { config, problems } = examineSettings(env, checkout, found);
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

/**
 * Every problem, and what can be used all the same: what is wrong has its default, and a port that is wrong is not known. For
 * commands that look for what runs already, never for what is about to serve.
 */
export function examineSettings(
  env: Environment,
  checkout: string,
  found: readonly string[] = [],
): { config: Config; problems: readonly string[] } {
  const problems = [...found];
  for (const name of settingsNotYet(env)) problems.push(`${name}: this version does not have it yet; remove it`);
  const values = readSettings(env, problems);
  problems.push(...contradictions(values, env));
  const usable = { ...defaults(), PORT: 'auto', ...values } as SettingValues;
  return { config: buildConfig(usable, env, checkout), problems };
}

function defaults(): Partial<Record<SettingName, unknown>> {
  const table: ReadonlyArray<[string, Setting<unknown>]> = Object.entries(settings);
  return Object.fromEntries(
    table.flatMap(([name, { type, default: text }]) => (text === undefined ? [] : [[name, type.parse(text)]])),
  );
}

/** What could not be parsed is absent, and has a problem of its own. */
function readSettings(env: Environment, problems: string[]): Partial<SettingValues> {
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const name of Object.keys(settings) as SettingName[]) {
    const setting: Setting<unknown> = settings[name];
    const given = env[name]?.trim();
    const text = given === undefined || given === '' ? setting.default : given;
    if (text === undefined) continue;
    const value = setting.type.parse(text);
    const shown = setting.secret === true ? 'a value that is not shown' : printable(text);
    if (value === undefined) problems.push(`${name}: expected ${setting.type.expected}, got ${shown}`);
    else values[name] = value;
  }
  return values as Partial<SettingValues>;
}

function buildConfig(values: SettingValues, env: Environment, checkout: string): Config {
  return {
    port: values.PORT,
    host: values.HOST,
    workers: values.DECI_WORKERS === 'max' ? availableParallelism() : values.DECI_WORKERS,
    recycleAtMinutes: values.RECYCLE_AT === 'off' ? undefined : values.RECYCLE_AT,
    heartbeatMs: values.HEARTBEAT_INTERVAL === 'off' ? undefined : values.HEARTBEAT_INTERVAL,
    upstreams: values[upstreamSetting(env, values)] ?? values.OLLAMA_URLS,
    healthIntervalMs: values.OLLAMA_HEALTH_INTERVAL,
    maxConnections: values.OLLAMA_MAX_CONNECTIONS,
    queueMax: values.QUEUE_MAX,
    queueMaxPerKey: values.QUEUE_MAX_PER_KEY === 'auto' ? undefined : values.QUEUE_MAX_PER_KEY,
    timeouts: {
      requestMs: values.REQUEST_TIMEOUT,
      connectMs: values.CONNECT_TIMEOUT,
      firstTokenMs: values.FIRST_TOKEN_TIMEOUT === 'adaptive' ? undefined : values.FIRST_TOKEN_TIMEOUT,
      loadMs: values.LOAD_TIMEOUT,
      stallMs: values.STALL_TIMEOUT,
      totalMs: values.INFERENCE_TIMEOUT,
      transferIdleMs: values.TRANSFER_IDLE_TIMEOUT,
      drainMs: values.DRAIN_TIMEOUT,
      bootMs: values.BOOT_TIMEOUT,
    },
    ...buildFailing(values),
    ollamaRestart: values.OLLAMA_RESTART_COMMAND,
    bodyLimits: { jsonBytes: values.BODY_LIMIT, inferenceBytes: values.INFERENCE_BODY_LIMIT },
    cache: values.CACHE === 'off' ? undefined : buildCache(values),
    models: buildModels(values),
    memory: buildMemory(values),
    load: buildLoad(values),
    crashes: { budget: values.CRASH_BUDGET, probeEveryMs: values.CRASH_PROBE_INTERVAL },
    anonymousRole: isAnonymousAllowed(values) ? values.DECI_LOCAL_ROLE : undefined,
    allowedOrigins: [...(values.OLLAMA_ORIGINS ?? []), ...(values.CORS_ORIGINS ?? [])],
    allowedHosts: values.ALLOWED_HOSTS ?? [],
    places: buildPlaces(values, checkout),
    logLevel: values.LOG_LEVEL,
  };
}

function buildFailing(values: SettingValues): Pick<Config, 'retries' | 'breakers' | 'canaryMs'> {
  const { BREAKER_FAILURES: failures, OLLAMA_CANARY_INTERVAL: canary } = values;
  return {
    retries: {
      maxAttempts: values.RETRY_MAX,
      baseMs: values.RETRY_BASE,
      capMs: values.RETRY_CAP,
      ratio: values.RETRY_BUDGET,
    },
    breakers: failures === 'off' ? undefined : { failures, resetMs: values.BREAKER_RESET },
    canaryMs: canary === 'off' ? undefined : canary,
  };
}

function buildCache(values: SettingValues): CacheConfig {
  const megabyte = 1024 * 1024;
  return {
    ttlMs: values.CACHE_TTL,
    // What is still fresh is not too old.
    staleMs: Math.max(values.CACHE_STALE_MAX, values.CACHE_TTL),
    maxEntries: values.CACHE_MAX_ENTRIES,
    maxBytes: values.CACHE_MAX_MB * megabyte,
    sharedBytes: values.CACHE_SHARED_MB * megabyte,
    write: values.CACHE_WRITE,
    refreshAfter: values.CACHE_REFRESH_AHEAD === 'off' ? undefined : values.CACHE_REFRESH_AHEAD,
    warmFile: values.CACHE_WARM_FILE,
    scope: values.CACHE_SCOPE,
  };
}

function buildModels(values: SettingValues): ModelsConfig {
  const minMs = values.KEEP_ALIVE_MIN;
  return {
    runnerOptions: values.RUNNER_OPTIONS,
    maxContext: values.NUM_CTX_MAX,
    keepAlive: { minMs, maxMs: Math.max(minMs, values.KEEP_ALIVE_MAX) },
    preWarm: values.PRE_WARM ?? [],
    fallbackText: values.FALLBACK_TEXT === '' ? undefined : values.FALLBACK_TEXT,
  };
}

function isAnonymousAllowed({ DECI_AUTH, HOST }: SettingValues): boolean {
  return DECI_AUTH === 'off' || (DECI_AUTH === 'auto' && isLoopback(HOST));
}

function buildPlaces(values: SettingValues, checkout: string): Places {
  const home = values.DECI_HOME === undefined ? checkout : resolve(checkout, values.DECI_HOME);
  const place = (path: string): string => (isAbsolute(path) ? path : join(home, path));
  return {
    home,
    dataDir: place(values.DATA_DIR),
    runDir: place(values.RUN_DIR),
    hotDir: values.HOT_DIR === undefined ? undefined : place(values.HOT_DIR),
    logDir: place(values.LOG_DIR),
    logDirFallback: values.LOG_DIR_FALLBACK === undefined ? undefined : place(values.LOG_DIR_FALLBACK),
  };
}
