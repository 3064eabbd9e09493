import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWorker, liveWorkers } from './live-workers.ts';
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
