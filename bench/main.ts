/**
 * Ratios of Deci against plain servers, side by side in one run. Exit code 1 when a bar is missed, 2 when it could not be
 * measured.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { removeHotFiles } from '../scripts/lib/hot-files.ts';
import { warmCode } from '../scripts/lib/warm-code.ts';
import { compileCacheDir } from '../src/config/ecosystem.ts';
import { checkout, readVersion } from '../src/config/environment.ts';
import type { Bench, Result } from './measure.ts';
import { measures } from './measures.ts';
import { renderJson, renderNotes, renderTable } from './report.ts';
import { benchKey } from './scenarios.ts';
import { canPin, clientCore, pinSelf, ServerProcesses, serverCore } from './server-process.ts';

const usage = `node bench/main.ts [--quick] [--only NAME]... [--json FILE]
  --quick      shorter, less certain
  --only NAME  one of ${[...measures.keys()].join(', ')}; may be given more than once
  --json FILE  also write everything that was measured
`;

async function createBench(processes: ServerProcesses, home: string, quick: boolean): Promise<Bench> {
  const upstream = await processes.start({ name: 'upstream', script: 'bench/fast-upstream.ts', core: clientCore });
  const url = `http://127.0.0.1:${upstream.port}`;
  const start = (name: string, script: string, env: Record<string, string>) =>
    processes.start({ name, script, core: serverCore, env });
  return {
    quick,
    // With the cache of compiled code that a start by script gives it.
    startDeci: (env = {}) =>
      start('deci', 'src/main.ts', {
        DECI_HOME: home,
        NODE_COMPILE_CACHE: compileCacheDir(join(home, 'run')),
        ...slots(url),
        ...env,
      }),
    startExpress: () => start('express', 'bench/express-server.ts', {}),
    startPassThrough: () => start('pass-through', 'bench/pass-through-server.ts', { UPSTREAM: url }),
  };
}

/** More than any measure uses: the upstream is no model, and waiting for it would measure nothing. */
function slots(url: string): Record<string, string> {
  return { OLLAMA_URLS: `${url}#slots=2000`, OLLAMA_MAX_CONNECTIONS: '2000' };
}

async function run(
  names: readonly string[],
  { quick, pinned }: { quick: boolean; pinned: boolean },
): Promise<Result[]> {
  const home = mkdtempSync(join(tmpdir(), 'deci-bench-'));
  mkdirSync(join(home, 'data'), { mode: 0o700 });
  writeFileSync(join(home, 'data', 'admin-key'), `${benchKey}\n`, { mode: 0o600 });
  const processes = new ServerProcesses(pinned);
  process.on('exit', () => {
    removeHotFiles({ hotDir: undefined, runDir: join(home, 'run') });
    rmSync(home, { recursive: true, force: true });
  });
  process.once('SIGINT', () => process.exit(2));
  process.once('SIGTERM', () => process.exit(2));
  try {
    await warmCode(checkout, join(home, 'run'), readVersion(checkout));
    const bench = await createBench(processes, home, quick);
    const results: Result[] = [];
    for (const name of names) {
      process.stderr.write(`measuring ${name} ...\n`);
      results.push(...((await measures.get(name)?.(bench)) ?? []));
    }
    return results;
  } finally {
    await processes.stopAll();
  }
}

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [...measures.keys()] },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const unknown = options.only.filter(name => !measures.has(name));
if (options.help || unknown.length > 0) {
  process.stdout.write(unknown.length > 0 ? `unknown measure: ${unknown.join(', ')}\n${usage}` : usage);
  process.exit(unknown.length > 0 ? 2 : 0);
}

const pinned = canPin();
if (pinned) pinSelf();
else process.stderr.write('less than two cores, or no taskset: nothing is pinned, and the figures are worth less\n');
try {
  const results = await run(options.only, { quick: options.quick, pinned });
  process.stdout.write(`${renderTable(results)}\n\n${renderNotes(results)}\n`);
  if (options.json !== undefined) writeFileSync(options.json, renderJson(results, pinned));
  process.exitCode = results.every(one => one.passed) ? 0 : 1;
} catch (error) {
  process.stderr.write(`could not measure: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
