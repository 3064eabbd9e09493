/** `npm run demo`: the cluster in front of a fake Ollama, without a GPU or a model, until Ctrl-C. Nothing of it is kept. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { checkout } from '../src/config/environment.ts';
import type { RunState } from '../src/config/run-state.ts';
import { settings } from '../src/config/settings.ts';
import { choosePort } from './lib/choose-port.ts';
import { type Cluster, openCluster } from './lib/cluster.ts';
import { exitCodes, ScriptFailure } from './lib/exit-codes.ts';
import { readFlags } from './lib/flags.ts';
import { runScript } from './lib/output.ts';
import { longestSocketFits } from './lib/preflight.ts';

const usage = `Usage: npm run demo
Starts a fake Ollama and the cluster in front of it, and stays until Ctrl-C.
  --help    print this`;

async function main(): Promise<number> {
  if (readFlags(usage, []) === undefined) return exitCodes.done;
  const cluster = openCluster();
  const home = demoHome(cluster);
  const leaving = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => leaving.resolve());
  const fake = startFake();
  try {
    const env = await demoEnvironment(cluster, home, await firstLine(fake));
    // What an earlier demo left behind when it was killed.
    await run(['scripts/stop.ts'], env);
    const { code, stdout } = await run(['scripts/start.ts', '--json'], env);
    if (code !== 0) throw new ScriptFailure(exitCodes.failed, 'The demo could not be started.');
    for (const line of invitation(JSON.parse(stdout) as RunState, env)) console.log(line);
    await leaving.promise;
    console.log('\nStopping ...');
    await run(['scripts/stop.ts'], env);
    return exitCodes.done;
  } finally {
    fake.kill('SIGTERM');
    rmSync(home, { recursive: true, force: true });
  }
}

function demoHome({ config }: Cluster): string {
  const home = join(config.places.runDir, 'demo');
  if (!longestSocketFits(join(home, 'run'))) return mkdtempSync(join(tmpdir(), 'deci-demo-'));
  mkdirSync(home, { recursive: true, mode: 0o700 });
  return home;
}

/** In a group of its own: Ctrl-C must reach the cluster first, so that its streams can end. */
function startFake(): ChildProcess {
  const pace = ['--port', '0', '--token-ms', '40', '--first-token-ms', '200', '--tokens', '60', '--num-parallel', '4'];
  return spawn(process.execPath, ['test/fake-ollama/main.ts', ...pace, '--quiet'], {
    cwd: checkout,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function firstLine(fake: ChildProcess): Promise<string> {
  const failed = once(fake, 'close').then(() => undefined);
  if (fake.stdout === null) throw new Error('the fake Ollama has no output');
  const lines = createInterface({ input: fake.stdout });
  const line = await Promise.race([once(lines, 'line').then(([text]: unknown[]) => String(text)), failed]);
  if (line === undefined) throw new ScriptFailure(exitCodes.failed, 'The fake Ollama could not be started.');
  return line;
}

async function demoEnvironment({ config }: Cluster, home: string, fakeUrl: string): Promise<NodeJS.ProcessEnv> {
  const ours = new Set(Object.keys(settings));
  const rest = Object.entries(process.env).filter(([name]) => !ours.has(name));
  const { port } = await choosePort({ ...config, host: '127.0.0.1' }, false).catch(() => ({ port: 'auto' }));
  return {
    ...Object.fromEntries(rest),
    DECI_HOME: home,
    OLLAMA_URLS: fakeUrl,
    PORT: String(port),
    DRAIN_TIMEOUT: '5s',
  };
}

async function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ code: number | null; stdout: string }> {
  // Detached for the same reason: Ctrl-C during the start must not leave half of it behind.
  const child = spawn(process.execPath, args, {
    cwd: checkout,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout };
}

function invitation({ url }: RunState, env: NodeJS.ProcessEnv): string[] {
  return [
    `Deci serves on ${url}, in front of a fake Ollama on ${env['OLLAMA_URLS']}. Try, in another terminal:`,
    '',
    `  curl ${url}/api/tags`,
    `  curl -N ${url}/api/chat -d '{"model":"llama3.2","messages":[{"role":"user","content":"Hello"}]}'`,
    `  curl -N ${url}/v1/chat/completions -d '{"model":"llama3.2","stream":true,"messages":[{"role":"user","content":"Hello"}]}'`,
    `  curl ${env['OLLAMA_URLS']}/_fake/fault -d '{"fault":"die-mid-stream","after":5,"times":1}'     (breaks the next answer)`,
    `  DECI_HOME=${env['DECI_HOME']} npm run status`,
    '',
    'Ctrl-C stops both.',
  ];
}

await runScript(main);
