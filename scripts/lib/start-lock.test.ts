import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { exitCodes, ScriptFailure } from './exit-codes.ts';
import { takeStartLock } from './start-lock.ts';

function folder(t: TestContext): { dir: string; lock: string } {
  const dir = mkdtempSync(join(tmpdir(), 'deci-lock-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return { dir, lock: join(dir, 'start.lock') };
}

function isHeld(error: unknown): boolean {
  return error instanceof ScriptFailure && error.exitCode === exitCodes.lockHeld;
}

test('a lock names its holder, refuses a second start, and leaves nothing behind', t => {
  const { dir, lock } = folder(t);
  const held = takeStartLock(dir);
  assert.match(readFileSync(lock, 'utf8'), new RegExp(`^${process.pid}\\b`));
  assert.throws(() => takeStartLock(dir), isHeld);
  assert.deepEqual(readdirSync(dir), ['start.lock']);
  held.release();
  assert.deepEqual(readdirSync(dir), []);
});

test('a lock of a process that is gone, or of nobody, is taken over', t => {
  const { dir, lock } = folder(t);
  for (const stale of ['99999999', '99999999 5', '', 'garbage']) {
    writeFileSync(lock, stale);
    takeStartLock(dir).release();
    assert.deepEqual(readdirSync(dir), [], stale);
  }
});

test('a pid that another process has by now does not hold the lock of the one that died', t => {
  const { dir, lock } = folder(t);
  takeStartLock(dir);
  const [, since] = readFileSync(lock, 'utf8').split(' ');
  if (since === undefined) return t.skip('no /proc here');
  writeFileSync(lock, `${process.pid} ${Number(since) - 1}`);
  takeStartLock(dir).release();
  assert.deepEqual(readdirSync(dir), []);
});

test('a release does not remove the lock of somebody else', t => {
  const { dir, lock } = folder(t);
  const held = takeStartLock(dir);
  writeFileSync(lock, '1 1');
  held.release();
  assert.equal(readFileSync(lock, 'utf8'), '1 1');
});

test('of several starts that find the same stale lock one wins', async t => {
  const { dir, lock } = folder(t);
  writeFileSync(lock, '99999999 5');
  const code = `
    const { takeStartLock } = await import(${JSON.stringify(new URL('start-lock.ts', import.meta.url).href)});
    let result = 'won';
    try { takeStartLock(process.argv[1]); } catch { result = 'lost'; }
    process.stdout.write(result);
    process.stdin.resume();`;
  const run = promisify(execFile);
  // Each stays until all have tried: a lock whose holder has ended would be stale again.
  const tries = [1, 2, 3, 4].map(() => run(process.execPath, ['--input-type=module', '-e', code, dir]));
  const outputs = await Promise.all(
    tries.map(({ child }) => new Promise<string>(resolve => child.stdout?.once('data', part => resolve(String(part))))),
  );
  for (const { child } of tries) child.stdin?.end();
  await Promise.all(tries);
  assert.deepEqual(outputs.toSorted(), ['lost', 'lost', 'lost', 'won']);
});
