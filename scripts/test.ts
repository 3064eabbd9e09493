/**
 * `npm test`: the checks, then every suite in order; `node scripts/test.ts unit` runs one. A suite is a set of files under
 * node's own test runner; nothing is retried, and the first suite that fails ends the run.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Suite {
  readonly files: readonly string[];
  /** Suites that start clusters take the machine for themselves. */
  readonly concurrency: number;
}

const suites: Readonly<Record<string, Suite>> = {
  unit: { files: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'test/{docs,fake-ollama}/*.test.ts'], concurrency: 2 },
  integration: { files: ['test/integration/*.test.ts'], concurrency: 1 },
  cluster: { files: ['test/cluster/*.test.ts'], concurrency: 1 },
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter(name => !(name in suites));
if (unknown.length > 0) {
  console.error(`no such suite: ${unknown.join(', ')}; there are: ${Object.keys(suites).join(', ')}`);
  process.exit(2);
}

if (wanted.length === 0) run('checks', ['scripts/check.ts']);
for (const [name, { files, concurrency }] of Object.entries(suites)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const found = globSync(files, { cwd: root }).toSorted();
  if (found.length === 0) fail(`suite ${name} has no files: ${files.join(', ')}`);
  run(name, ['--test', `--test-concurrency=${concurrency}`, '--test-timeout=180000', ...found]);
}

function run(name: string, args: readonly string[]): void {
  console.log(`\n== ${name}`);
  const { status, signal } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) fail(`${name} failed (${signal ?? `exit code ${status}`})`);
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
