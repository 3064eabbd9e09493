import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { thisProcess } from '../kernel/process-identity.ts';
import { controlIdentityPath, isWorker, liveControl, liveWorkers } from './live-workers.ts';
import { readRunState } from './run-state.ts';

test('a run folder that is a file, or lies below one, holds no workers and no state', () => {
  const file = import.meta.filename;
  for (const runDir of [file, `${file}/run`]) {
    assert.deepEqual(liveWorkers(runDir), []);
    assert.equal(readRunState(runDir), undefined);
  }
});

test('a process that is gone, or is another program, is no worker', () => {
  assert.equal(isWorker(99_999_999), false);
  if (process.platform === 'linux') assert.equal(isWorker(process.pid), false);
});

test('control is known by its pid and the moment it began, also while it cannot answer', t => {
  const dir = mkdtempSync(join(tmpdir(), 'deci-run-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  assert.equal(liveControl(dir), undefined);
  const { pid, start } = thisProcess();
  for (const text of ['', 'garbage', '99999999 1', `${pid} ${Number(start) - 1}`]) {
    writeFileSync(controlIdentityPath(dir), text);
    assert.equal(liveControl(dir), undefined, text);
  }
  writeFileSync(controlIdentityPath(dir), `${pid} ${start}`);
  assert.equal(liveControl(dir)?.pid, pid);
});
