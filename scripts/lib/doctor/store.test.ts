import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import type { Result } from './finding.ts';
import { runChecks } from './run-checks.ts';
import { judgeContent, judgeFile, storeChecks } from './store.ts';

const form = { applicationId: 7, newestVersion: 3 };

function makeStore(t: TestContext): { dir: string; path: string; store: DatabaseSync } {
  const dir = mkdtempSync(join(tmpdir(), 'deci-doctor-'));
  const path = join(dir, 'deci.sqlite');
  writeFileSync(path, '', { mode: 0o600 });
  const store = new DatabaseSync(path);
  t.after(() => {
    if (store.isOpen) store.close();
    rmSync(dir, { recursive: true, force: true });
  });
  store.exec('PRAGMA journal_mode = WAL; PRAGMA application_id = 7; PRAGMA user_version = 3; CREATE TABLE t (x)');
  store.exec(`INSERT INTO t VALUES ('${'x'.repeat(100_000)}')`);
  return { dir, path, store };
}

const look = async (path: string, wanted = form): Promise<Result[]> => runChecks(storeChecks(path, wanted));
const statuses = (results: readonly Result[]): string[] => results.map(({ status }) => status);

test('a whole store passes, while it is open and after, and looking leaves no file', async t => {
  const { dir, path, store } = makeStore(t);
  const open = await look(path);
  assert.deepEqual([statuses(open), open[1]?.detail], [['ok', 'ok'], 'whole, version 3']);
  store.exec('INSERT INTO t VALUES (1)');
  store.close();
  const before = readFileSync(path);
  assert.deepEqual(statuses(await look(path)), ['ok', 'ok']);
  assert.deepEqual(readdirSync(dir), ['deci.sqlite']);
  assert.ok(readFileSync(path).equals(before));
});

test('a damaged, cut, empty or foreign file is a failure with its reason', async t => {
  const { path, store } = makeStore(t);
  store.close();
  const bytes = readFileSync(path);
  writeFileSync(path, Buffer.concat([bytes.subarray(0, 4096), Buffer.alloc(4096, 1), bytes.subarray(8192)]));
  assert.match((await look(path))[1]?.detail ?? '', /damaged|malformed/);
  writeFileSync(path, bytes);
  truncateSync(path, 20_000);
  assert.match((await look(path))[1]?.detail ?? '', /damaged|malformed/);
  writeFileSync(path, 'no database at all'.repeat(100));
  assert.equal((await look(path))[1]?.detail, 'file is not a database');
  writeFileSync(path, '');
  assert.match((await look(path))[1]?.detail ?? '', /another program's database/);
});

test('a store that others can read is a failure, an absent one none', async t => {
  const { dir, path } = makeStore(t);
  chmodSync(path, 0o644);
  const [file] = await look(path);
  assert.deepEqual([file?.status, file?.fix], ['fail', `chmod 600 ${path}*`]);
  assert.deepEqual(statuses(await look(join(dir, 'absent.sqlite'))), ['ok', 'ok']);
  assert.deepEqual(
    readdirSync(dir).filter(name => name.startsWith('absent')),
    [],
  );
});

test('versions: an older store is brought up by the next start, a newer one is refused, no form asks for none', () => {
  const facts = { applicationId: 7, userVersion: 2, quickCheck: 'ok' };
  assert.match(judgeContent(facts, form).detail, /brought to 3 at the next start/);
  assert.equal(judgeContent({ ...facts, userVersion: 4 }, form).status, 'fail');
  assert.equal(judgeContent({ ...facts, applicationId: 0 }, undefined).status, 'ok');
  assert.equal(judgeContent({ ...facts, quickCheck: 'row missing' }, undefined).status, 'fail');
});

test('a write-ahead log that has grown for long is a warning', () => {
  const stats = { mode: 0o600, size: 0 };
  assert.deepEqual(
    [judgeFile('/s', stats, 1000).status, judgeFile('/s', stats, 300 * 1024 ** 2).status],
    ['ok', 'warn'],
  );
});
