/**
 * `npm test`: the checks, then every suite in order but for those that are for faults; `node scripts/test.ts unit` runs one, `npm run
 * test:chaos` what strikes whole clusters with real faults and measures how they take it. A suite is a set of files under
 * node's own test runner; nothing is retried, and the first suite that fails ends the run.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Suite {
  readonly files: readonly string[];
  /** How many files run side by side: one with a cluster waits for most of its time. */
  readonly concurrency: number;
  /** Those that measure the machine, one after the other with nothing beside them. */
  readonly alone?: readonly string[];
  /** How many answers its files must at least hold against the OpenAPI document, so that the check cannot get lost unseen. */
  readonly leastChecked?: number;
  /** Not part of `npm test`: it takes long, and has the machine for itself. */
  readonly isApart?: boolean;
}

const suites: Readonly<Record<string, Suite>> = {
  unit: {
    files: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'test/{docs,fake-ollama,support}/*.test.ts'],
    concurrency: 2,
  },
  integration: {
    files: ['test/integration/*.test.ts'],
    concurrency: 3,
    // It fills the memory of a worker, and takes what time there is.
    alone: ['test/integration/memory.test.ts'],
    leastChecked: 800,
  },
  cluster: {
    files: ['test/cluster/*.test.ts'],
    concurrency: 2,
    alone: ['test/cluster/{adaptive-slots,reload}.test.ts'],
  },
  chaos: { files: ['test/chaos/*.test.ts'], concurrency: 1, isApart: true },
};

/** How long each of them took, in the order in which they ran. */
const took: Array<readonly [name: string, ms: number]> = [];

const wanted = process.argv.slice(2);
const unknown = wanted.filter(name => !(name in suites));
if (unknown.length > 0) {
  console.error(`no such suite: ${unknown.join(', ')}; there are: ${Object.keys(suites).join(', ')}`);
  process.exit(2);
}

if (wanted.length === 0) run('checks', ['scripts/check.ts']);
for (const [name, suite] of Object.entries(suites)) {
  if (wanted.length > 0 ? !wanted.includes(name) : suite.isApart === true) continue;
  if (suite.leastChecked === undefined) runSuite(name, suite);
  else runChecked(name, suite, suite.leastChecked);
}
tellTimes();

function runSuite(name: string, { files, concurrency, alone = [] }: Suite, env?: NodeJS.ProcessEnv): void {
  const quiet = filesOf(name, alone);
  const others = filesOf(name, files).filter(file => !quiet.includes(file));
  for (const [title, some, beside] of [
    [name, others, concurrency],
    [`${name}, one by one`, quiet, 1],
  ] as const) {
    if (some.length > 0) run(title, ['--test', `--test-concurrency=${beside}`, '--test-timeout=180000', ...some], env);
  }
}

function filesOf(name: string, patterns: readonly string[]): string[] {
  for (const pattern of patterns) {
    if (globSync(pattern, { cwd: root }).length === 0) fail(`suite ${name} has no files: ${pattern}`);
  }
  return globSync(patterns, { cwd: root }).toSorted();
}

/** The files of a suite are processes of their own, so each adds to a tally what it has checked. */
function runChecked(name: string, suite: Suite, least: number): void {
  const dir = mkdtempSync(join(tmpdir(), 'deci-checked-'));
  const tally = join(dir, 'answers');
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  runSuite(name, suite, { ...process.env, DECI_CHECKED_ANSWERS: tally });
  const counts = existsSync(tally) ? readFileSync(tally, 'utf8').trim().split('\n').map(Number) : [];
  const checked = counts.reduce((sum, count) => sum + count, 0);
  console.log(`${checked} answers agreed with the OpenAPI document`);
  if (checked < least) fail(`${name} held only ${checked} answers against the OpenAPI document, expected ${least}`);
}

function run(name: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  console.log(`\n== ${name}`);
  const startedAtMs = performance.now();
  const { status, signal } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env });
  took.push([name, performance.now() - startedAtMs]);
  if (status !== 0) fail(`${name} failed (${signal ?? `exit code ${status}`})`);
}

function tellTimes(): void {
  const all = took.reduce((sum, [, ms]) => sum + ms, 0);
  console.log('\nseconds');
  for (const [name, ms] of [...took, ['all', all] as const])
    console.log(`${(ms / 1000).toFixed(1).padStart(7)} ${name}`);
}

function fail(message: string): never {
  tellTimes();
  console.error(message);
  process.exit(1);
}
