/** Configuration -> what PM2 is told to run. Pure, so that every figure PM2 gets can be tested against the setting it comes from. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Config, Environment } from './config.ts';
import { controlName, namespace } from './own-app.ts';
import type { Colour } from './run-state.ts';
import type { Setting } from './setting.ts';
import { settings } from './settings.ts';

export interface Deployment {
  readonly checkout: string;
  readonly colour: Colour;
  /** The environment of who starts it; only names of our settings are passed on. */
  readonly env: Environment;
}

/** The fields of PM2's process file that we use. */
export interface Pm2App {
  readonly name: string;
  readonly namespace: string;
  readonly cwd: string;
  readonly script: string;
  readonly exec_mode: 'cluster' | 'fork';
  readonly instances: number;
  readonly instance_var: string;
  /** The program that runs a process of its own; workers run on what PM2's daemon runs on. */
  readonly interpreter?: string;
  readonly node_args: readonly string[];
  readonly wait_ready: boolean;
  readonly listen_timeout: number;
  readonly kill_timeout: number;
  readonly treekill: boolean;
  readonly pmx: boolean;
  readonly vizion: boolean;
  readonly automation: boolean;
  readonly autorestart: boolean;
  readonly exp_backoff_restart_delay: number;
  readonly min_uptime: string;
  readonly max_restarts: number;
  readonly max_memory_restart: string;
  readonly merge_logs: boolean;
  readonly out_file: string;
  readonly error_file: string;
  readonly filter_env: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** V8's own limit above our budget, so that what we do about memory always comes first. */
const heapReserve = 1.25;
/** Behind the drain: error frames, idle connections, log files, upstream connections. */
const leavingMs = 15_000;
const listenMarginMs = 5000;
const controlHeapMb = 256;
const controlRssMb = 400;

export function appName(colour: Colour): string {
  return `deci-${colour}`;
}

/** The folders that must exist before PM2 or Node write there; both would make them readable for everybody. */
export function outputDir(config: Config): string {
  return join(config.places.runDir, 'output');
}

export function compileCacheDir(runDir: string): string {
  return join(runDir, 'compile-cache');
}

/** The address of what switches the cache of compiled code on: PM2 gives a worker its environment too late for that. */
export function compileCacheLoader(checkout: string, runDir: string): string {
  const loader = pathToFileURL(join(checkout, 'src', 'compile-cache.js'));
  loader.searchParams.set('dir', compileCacheDir(runDir));
  return loader.href;
}

export function crashReportDir(config: Config): string {
  return join(config.places.dataDir, 'crash-reports');
}

export function ecosystemApps(config: Config, deployment: Deployment): Pm2App[] {
  return [workersApp(config, deployment), controlApp(config, deployment)];
}

function workersApp(config: Config, deployment: Deployment): Pm2App {
  const { crashes, memory, timeouts, workers } = config;
  return {
    ...commonOf(config, appName(deployment.colour), deployment),
    script: join(deployment.checkout, 'src', 'main.ts'),
    exec_mode: 'cluster',
    instances: workers,
    node_args: nodeArguments(config, deployment, Math.round(memory.heapLimitMb * heapReserve)),
    kill_timeout: timeouts.drainMs + leavingMs,
    min_uptime: '30s',
    // PM2 counts one start more than restarts. It is for the time without control, which tries again later.
    max_restarts: crashes.budget + 1,
    max_memory_restart: `${memory.rssMaxMb}M`,
  };
}

/** Nothing that serves waits for it, and nothing else brings it back: PM2 must never give it up. */
function controlApp(config: Config, deployment: Deployment): Pm2App {
  return {
    ...commonOf(config, controlName, deployment),
    script: join(deployment.checkout, 'src', 'control.ts'),
    exec_mode: 'fork',
    interpreter: process.execPath,
    instances: 1,
    node_args: nodeArguments(config, deployment, controlHeapMb),
    kill_timeout: leavingMs,
    min_uptime: '5s',
    max_restarts: 1_000_000,
    max_memory_restart: `${controlRssMb}M`,
  };
}

function nodeArguments(config: Config, { checkout }: Deployment, heapMb: number): string[] {
  return [
    `--import=${compileCacheLoader(checkout, config.places.runDir)}`,
    `--max-old-space-size=${heapMb}`,
    '--report-on-fatalerror',
    // Where control makes a worker that hangs tell its stack: any free port, since all of them would want the same.
    '--inspect-port=127.0.0.1:0',
    '--report-compact',
    '--report-exclude-env',
    '--report-exclude-network',
    `--report-directory=${crashReportDir(config)}`,
  ];
}

function commonOf(config: Config, name: string, { checkout, colour, env }: Deployment) {
  const output = join(outputDir(config), name);
  return {
    name,
    namespace,
    cwd: checkout,
    instance_var: 'INSTANCE_ID',
    wait_ready: true,
    listen_timeout: config.timeouts.bootMs + listenMarginMs,
    treekill: false,
    // PM2's probe inside the process ends it at once when the daemon is gone, and its streams with it.
    pmx: false,
    vizion: false,
    automation: false,
    autorestart: true,
    exp_backoff_restart_delay: 200,
    merge_logs: true,
    out_file: `${output}-out.log`,
    error_file: `${output}-error.log`,
    // PM2 drops every variable whose name contains one of these, which is each: a shell holds secrets that are not ours,
    // and PM2 would write them into its dump. `true` should mean the same, but PM2 7 ignores it.
    filter_env: [''],
    env: { NODE_ENV: 'production', DECI_COLOUR: colour, ...timeZone(env), ...exportedSettings(env) },
  };
}

/** Times of day are those of whoever starts it. */
function timeZone({ TZ }: Environment): Record<string, string> {
  return TZ === undefined ? {} : { TZ };
}

/** What was exported of our settings, and nothing else. An exported empty value stands: it overrides the `.env` file. */
export function exportedSettings(env: Environment): Record<string, string> {
  const exported: Record<string, string> = {};
  for (const [name, setting] of Object.entries<Setting<unknown>>(settings)) {
    const names = setting.secret === true ? [name, `${name}_FILE`] : [name];
    for (const key of names) {
      const value = env[key];
      if (value !== undefined) exported[key] = value;
    }
  }
  return exported;
}
