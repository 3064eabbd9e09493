import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { removeHotFiles } from './hot-files.ts';

function folder(t: TestContext, names: readonly string[]): string {
  const dir = mkdtempSync(join(tmpdir(), 'deci-hot-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'hot'));
  for (const name of names) writeFileSync(join(dir, 'hot', name), '');
  return dir;
}

const files = ['hot.lock', 'hot-c1-5.sqlite', 'hot-c1-5.sqlite-wal', 'metrics-blue-1-2.bin', 'metrics-retired.bin'];

test('what the processes shared is removed, and the folder with it', t => {
  const dir = folder(t, files);
  removeHotFiles({ hotDir: join(dir, 'hot'), runDir: dir });
  assert.equal(existsSync(join(dir, 'hot')), false);
});

test('what else lies in a folder that a user chose stays', t => {
  const dir = folder(t, [...files, 'photo.jpg', 'hotel.txt']);
  removeHotFiles({ hotDir: join(dir, 'hot'), runDir: dir });
  assert.deepEqual(readdirSync(join(dir, 'hot')).toSorted(), ['hotel.txt', 'photo.jpg']);
});

test('a folder that was never made is no failure', t => {
  const dir = folder(t, []);
  removeHotFiles({ hotDir: join(dir, 'nowhere'), runDir: dir });
});
