import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { compileCacheLoader } from '../../src/config/ecosystem.ts';
import { checkout } from '../../src/config/environment.ts';
import { warmCode } from './warm-code.ts';

function temporaryFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'deci-warm-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** What Node loads to strip types: there once a file was not in the cache. */
const askWhetherStripped = `
process.once('exit', () => console.log(process.moduleLoadList.some(name => name.includes('amaro'))));
`;

test('what was compiled once is not compiled again: no process loads what strips types', async t => {
  const runDir = temporaryFolder(t);
  const isStripping = (): string => {
    const asks = `data:text/javascript,${encodeURIComponent(askWhetherStripped)}`;
    const args = [`--import=${compileCacheLoader(checkout, runDir)}`, `--import=${asks}`];
    return execFileSync(process.execPath, [...args, join(checkout, 'src', 'control.ts'), '--version'], {
      encoding: 'utf8',
    });
  };
  assert.match(isStripping(), /true/);
  await warmCode(checkout, runDir, '1.2.3');
  assert.match(isStripping(), /^\d+\.\d+\.\d+\nfalse\n$/);
  const stamp = join(runDir, 'compile-cache', 'warm');
  assert.equal(readFileSync(stamp, 'utf8'), `1.2.3 ${process.version}\n`);
  const { mtimeMs } = statSync(stamp);
  await warmCode(checkout, runDir, '1.2.3');
  assert.equal(statSync(stamp).mtimeMs, mtimeMs);
});

test("what cannot be compiled is nobody's failure, and is tried again", async t => {
  const runDir = temporaryFolder(t);
  await warmCode(join(runDir, 'no-such-checkout'), runDir, '1.2.3');
  const dir = join(runDir, 'compile-cache');
  assert.ok(!existsSync(dir) || !readdirSync(dir).includes('warm'));
});
