/**
 * `npm test`: the checks, then every suite in order; `node scripts/test.ts unit` runs one. A suite is a set of files under
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
  /** Suites that start clusters take the machine for themselves. */
  readonly concurrency: number;
  /** How many answers its files must at least hold against the OpenAPI document, so that the check cannot get lost unseen. */
  readonly leastChecked?: number;
}

const suites: Readonly<Record<string, Suite>> = {
  unit: { files: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'test/{docs,fake-ollama}/*.test.ts'], concurrency: 2 },
  integration: { files: ['test/integration/*.test.ts'], concurrency: 1, leastChecked: 800 },
  cluster: { files: ['test/cluster/*.test.ts'], concurrency: 1 },
  chaos: { files: ['test/chaos/*.test.ts'], concurrency: 1 },
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter(name => !(name in suites));
if (unknown.length > 0) {
  console.error(`no such suite: ${unknown.join(', ')}; there are: ${Object.keys(suites).join(', ')}`);
  process.exit(2);
}

if (wanted.length === 0) run('checks', ['scripts/check.ts']);
for (const [name, { files, concurrency, leastChecked }] of Object.entries(suites)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const found = globSync(files, { cwd: root }).toSorted();
  if (found.length === 0) fail(`suite ${name} has no files: ${files.join(', ')}`);
  const args = ['--test', `--test-concurrency=${concurrency}`, '--test-timeout=180000', ...found];
  if (leastChecked === undefined) run(name, args);
  else runChecked(name, args, leastChecked);
}

/** The files of a suite are processes of their own, so each adds to a tally what it has checked. */
function runChecked(name: string, args: readonly string[], least: number): void {
  const dir = mkdtempSync(join(tmpdir(), 'deci-checked-'));
  const tally = join(dir, 'answers');
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  run(name, args, { ...process.env, DECI_CHECKED_ANSWERS: tally });
  const counts = existsSync(tally) ? readFileSync(tally, 'utf8').trim().split('\n').map(Number) : [];
  const checked = counts.reduce((sum, count) => sum + count, 0);
  console.log(`${checked} answers agreed with the OpenAPI document`);
  if (checked < least) fail(`${name} held only ${checked} answers against the OpenAPI document, expected ${least}`);
}

function run(name: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  console.log(`\n== ${name}`);
  const { status, signal } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env });
  if (status !== 0) fail(`${name} failed (${signal ?? `exit code ${status}`})`);
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
