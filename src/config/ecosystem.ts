/** Configuration -> what PM2 is told to run. Pure, so that every figure PM2 gets can be tested against the setting it comes from. */
import { join } from 'node:path';
import type { Config, Environment } from './config.ts';
import type { Colour } from './run-state.ts';
import { type Setting, settings } from './settings.ts';

const namespace = 'deci-backend';

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
  readonly exec_mode: 'cluster';
  readonly instances: number;
  readonly instance_var: string;
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

export function appName(colour: Colour): string {
  return `deci-${colour}`;
}

/** The folders that must exist before PM2 or Node write there; both would make them readable for everybody. */
export function outputDir(config: Config): string {
  return join(config.places.runDir, 'output');
}

export function crashReportDir(config: Config): string {
  return join(config.places.dataDir, 'crash-reports');
}

export function ecosystemApps(config: Config, { checkout, colour, env }: Deployment): Pm2App[] {
  const { memory, timeouts } = config;
  const name = appName(colour);
  const output = join(outputDir(config), name);
  return [
    {
      name,
      namespace,
      cwd: checkout,
      script: join(checkout, 'src', 'main.ts'),
      exec_mode: 'cluster',
      instances: config.workers,
      instance_var: 'INSTANCE_ID',
      node_args: [
        `--max-old-space-size=${Math.round(memory.heapLimitMb * heapReserve)}`,
        '--report-on-fatalerror',
        '--report-compact',
        '--report-exclude-env',
        '--report-exclude-network',
        `--report-directory=${crashReportDir(config)}`,
      ],
      wait_ready: true,
      listen_timeout: timeouts.bootMs + listenMarginMs,
      kill_timeout: timeouts.drainMs + leavingMs,
      treekill: false,
      // PM2's probe inside the worker ends it at once when the daemon is gone, and its streams with it.
      pmx: false,
      vizion: false,
      automation: false,
      autorestart: true,
      exp_backoff_restart_delay: 200,
      min_uptime: '30s',
      // PM2 counts one start more than restarts: this is ten.
      max_restarts: 11,
      max_memory_restart: `${memory.rssMaxMb}M`,
      merge_logs: true,
      out_file: `${output}-out.log`,
      error_file: `${output}-error.log`,
      // PM2 drops every variable whose name contains one of these, which is each: a shell holds secrets that are not ours,
      // and PM2 would write them into its dump. `true` should mean the same, but PM2 7 ignores it.
      filter_env: [''],
      env: { NODE_ENV: 'production', DECI_COLOUR: colour, ...exportedSettings(env) },
    },
  ];
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
