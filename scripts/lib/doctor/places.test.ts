import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readConfig } from '../../../src/config/config.ts';
import { runStatePath } from '../../../src/config/run-state.ts';
import { nearestExisting } from '../nearest-existing.ts';
import { judgeDisk, judgeSharedMemory, readRoom, sizeText } from './disk.ts';
import { type FolderFacts, judgeFolder, readFolder } from './folders.ts';
import { lookAtKeyFile } from './key-file.ts';
import { judgeSocketPath, placesChecks } from './places.ts';
import { runChecks } from './run-checks.ts';
import { judgeState, lookAtPm2Home, readState } from './run-folder.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'deci-doctor-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const uid = process.getuid?.();
const judge = (facts: FolderFacts, asked = uid): [string, string | undefined] => {
  const { status, fix } = judgeFolder(facts, { setting: 'DATA_DIR', uid: asked });
  return [status, fix];
};

test('a folder that is private, or can be made, is fine, and looking makes none', t => {
  const dir = folder(t);
  assert.deepEqual(judge(readFolder(dir)), ['ok', undefined]);
  assert.deepEqual(judge(readFolder(join(dir, 'a', 'b'))), ['ok', undefined]);
  assert.deepEqual(readdirSync(dir), []);
});

test('what is open to others, of another user, no folder, or cannot be written is told with its fix', t => {
  const dir = folder(t);
  writeFileSync(join(dir, 'file'), '');
  assert.deepEqual(judge(readFolder(join(dir, 'file'))), ['fail', 'Move it away, or set DATA_DIR to another path.']);
  assert.match(judge(readFolder(join(dir, 'file', 'below')))[1] ?? '', /Correct .*file, or set DATA_DIR/);
  assert.match(judge(readFolder(dir), (uid ?? 0) + 1)[1] ?? '', /chown -R/);
  const facts = readFolder(dir);
  assert.equal(judge({ ...facts, isWritable: false })[0], 'fail');
  assert.equal(judge({ ...facts, kind: 'absent', nearest: { ...facts.nearest, isWritable: false } })[0], 'fail');
  chmodSync(dir, 0o755);
  assert.deepEqual(judge(readFolder(dir)), ['warn', `chmod 700 ${dir}`]);
});

test('room on the disk: the least of all folders counts, also of those that are still to be made', t => {
  const dir = folder(t);
  assert.equal(nearestExisting(join(dir, 'x', 'y')), dir);
  assert.ok(readRoom(join(dir, 'x')).freeBytes > 0);
  const room = (mb: number) => ({ path: `/${mb}`, freeBytes: mb * 1024 ** 2 });
  assert.deepEqual(
    [[room(5000), room(1024)], [room(1023)], [room(5000), room(99)], []].map(rooms => judgeDisk(rooms).status),
    ['ok', 'warn', 'fail', 'ok'],
  );
  assert.match(judgeDisk([room(5000), room(99)]).detail, /^99 MB free below \/99$/);
  assert.deepEqual([0, 1024 ** 3 - 1, 1.5 * 1024 ** 3].map(sizeText), ['0 MB', '1023 MB', '1.5 GB']);
  assert.deepEqual(
    [room(64), room(63), undefined].map(shared => judgeSharedMemory(shared, '/r/hot').status),
    ['ok', 'warn', 'ok'],
  );
});

test('a run folder too long for a socket is refused', () => {
  assert.equal(judgeSocketPath('/srv/deci/run').status, 'ok');
  assert.equal(judgeSocketPath(`/${'x'.repeat(100)}`).status, 'fail');
});

test('the key file must hold a key and be closed; its content is not told', t => {
  const path = join(folder(t), 'admin-key');
  const secret = `deci_${'ab'.repeat(32)}`;
  const look = (): string => {
    const finding = lookAtKeyFile(path);
    assert.ok(!JSON.stringify(finding).includes('abab'));
    return finding.status;
  };
  assert.equal(look(), 'ok');
  for (const [content, status] of [
    [`${secret}\n`, 'ok'],
    ['', 'fail'],
    [`${secret}x`, 'fail'],
    ['x'.repeat(9000), 'fail'],
  ] as const) {
    writeFileSync(path, content, { mode: 0o600 });
    assert.equal(look(), status, content.slice(0, 10));
  }
  writeFileSync(path, secret);
  chmodSync(path, 0o644);
  assert.equal(look(), 'fail');
  assert.match(lookAtKeyFile(path).fix ?? '', /^chmod 600/);
  rmSync(path);
  mkdirSync(path);
  assert.equal(look(), 'fail');
});

test("PM2's home is private", t => {
  const dir = folder(t);
  assert.equal(lookAtPm2Home(join(dir, 'none')).status, 'ok');
  assert.equal(lookAtPm2Home(dir).status, 'ok');
  chmodSync(dir, 0o750);
  assert.equal(lookAtPm2Home(dir).status, 'warn');
});

test('a state of dead pids is stale, unless workers live: pids change by reloads', t => {
  const dir = folder(t);
  const judged = (live = 0): string => judgeState({ ...readState(dir, []), liveWorkers: live }).status;
  assert.equal(judged(), 'ok');
  writeFileSync(runStatePath(dir), '{');
  assert.equal(judged(), 'warn');
  // Above every pid there can be.
  const state = { url: 'http://x', live: 'blue', pm2_home: '/x', pids: [99_999_999], started_at: 'then', release: '1' };
  writeFileSync(runStatePath(dir), JSON.stringify(state));
  assert.deepEqual([judged(), judged(1)], ['warn', 'ok']);
  writeFileSync(runStatePath(dir), JSON.stringify({ ...state, pids: [process.pid] }));
  assert.match(judgeState(readState(dir, [])).detail, /are other programs by now/);
});

test('all checks of places run on a home that is still to be made, and make nothing', async t => {
  const dir = folder(t);
  const { places } = readConfig({ DECI_HOME: join(dir, 'home'), HOT_DIR: 'hot' }, '/opt/deci');
  const results = await runChecks(placesChecks(places));
  assert.deepEqual(
    results.filter(({ status }) => status === 'fail'),
    [],
  );
  assert.equal(results.length, 9);
  assert.deepEqual(readdirSync(dir), []);
});
