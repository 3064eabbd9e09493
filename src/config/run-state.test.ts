import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { liveWorkers } from './live-workers.ts';
import { changedSettings, parseRunState, readRunState } from './run-state.ts';

const state = {
  url: 'http://127.0.0.1:3001',
  live: 'green',
  pm2_home: '/r/pm2',
  pids: [7],
  release: '1',
  started_at: '',
};

test('a state that is not understood is as good as none', () => {
  assert.deepEqual(parseRunState(JSON.stringify(state)), state);
  for (const text of ['', '{', 'null', '[]', '"x"', JSON.stringify({ ...state, live: 'red' })]) {
    assert.equal(parseRunState(text), undefined, text);
  }
});

test('a folder without a state has none', () => {
  assert.equal(readRunState('/nowhere/at/all'), undefined);
});

test('sockets of the dead, of other programs and other files are no workers', t => {
  const dir = mkdtempSync(join(tmpdir(), 'deci-'));
  t.after(() => rmSync(dir, { recursive: true }));
  // Pid 1 lives and is not ours; the other is above every possible pid.
  for (const name of ['blue-1.sock', 'green-99999999.sock', 'control.sock', 'state.json'])
    writeFileSync(join(dir, name), '');
  assert.deepEqual(liveWorkers(dir), []);
  assert.deepEqual(liveWorkers(join(dir, 'absent')), []);
});

test('a setting that has another value, or is new or gone, has changed', () => {
  assert.deepEqual(
    changedSettings({ PORT: '1', HOST: 'a', LOG_LEVEL: 'info' }, { PORT: '2', HOST: 'a', RUN_DIR: 'r' }),
    ['LOG_LEVEL', 'PORT', 'RUN_DIR'],
  );
});
