import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeFolder, makePrivateFolder } from './make-folder.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'deci-folder-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test('a folder is made with those above it, for its owner alone; what exists keeps its mode unless it is to be closed', t => {
  const dir = folder(t);
  makeFolder(join(dir, 'a', 'b'));
  assert.deepEqual([modeOf(join(dir, 'a')), modeOf(join(dir, 'a', 'b'))], [0o700, 0o700]);
  chmodSync(join(dir, 'a'), 0o755);
  makeFolder(join(dir, 'a'));
  assert.equal(modeOf(join(dir, 'a')), 0o755);
  makePrivateFolder(join(dir, 'a'));
  assert.equal(modeOf(join(dir, 'a')), 0o700);
});

test('a file in the place of a folder, or above it, is an error', t => {
  const file = join(folder(t), 'file');
  writeFileSync(file, '');
  assert.throws(() => makeFolder(file), /is not a folder/);
  assert.throws(() => makeFolder(join(file, 'below')), /ENOTDIR/);
});

test('below /proc the error comes at once', { skip: process.platform !== 'linux' && 'there is no /proc' }, () => {
  const url = JSON.stringify(new URL('make-folder.ts', import.meta.url).href);
  const code = `const { makeFolder } = await import(${url}); makeFolder('/proc/deci/below');`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', code], { timeout: 20_000, encoding: 'utf8' });
  assert.equal(child.signal, null, 'it did not end');
  assert.match(child.stderr, /ENOENT.*\/proc\/deci/);
});
