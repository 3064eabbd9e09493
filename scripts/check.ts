/** `npm run check`: types, lint, format, layers, dead code. Each step is told in one line; the first that fails ends the run. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** A cruise that finds fewer modules has lost its parser and proves nothing, although it says that all is well. */
const leastModules = 120;

interface Step {
  readonly name: string;
  readonly bin: string;
  readonly args: readonly string[];
  /** Judges the output of a step that ended with 0. Returns what is wrong. */
  readonly judge?: (stdout: string) => string | undefined;
}

const steps: readonly Step[] = [
  { name: 'types', bin: 'typescript/bin/tsc', args: ['-p', '.'] },
  { name: 'lint', bin: 'oxlint/bin/oxlint', args: ['--type-aware', '--deny-warnings'] },
  { name: 'format', bin: '@biomejs/biome/bin/biome', args: ['check', '.'] },
  {
    name: 'layers',
    bin: 'dependency-cruiser/bin/dependency-cruiser.mjs',
    args: ['src', '--config', '.dependency-cruiser.mjs', '--output-type', 'err-long'],
    judge: stdout => {
      const modules = Number(/\((\d+) modules/.exec(stdout)?.[1] ?? 0);
      return modules >= leastModules ? undefined : `only ${modules} modules were cruised, expected ${leastModules}`;
    },
  },
  { name: 'dead code', bin: 'knip/bin/knip.js', args: ['--no-progress'] },
];

for (const { name, bin, args, judge } of steps) {
  const startedAt = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'node_modules', bin), ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const complaint = status === 0 ? judge?.(stdout) : `exit code ${status}`;
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${name.padEnd(10)} ${complaint === undefined ? 'ok' : 'FAIL'} ${seconds.padStart(5)}s`);
  if (complaint === undefined) continue;
  console.error(`${stdout}\n${stderr}\n${name}: ${complaint}`);
  process.exit(1);
}
