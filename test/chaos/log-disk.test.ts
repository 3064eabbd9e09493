/** The disk of the logs is full, then their folder is gone: nobody who asks notices, nothing is lost, and it is well again by itself. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { strangeDiskObstacle } from '../faults/strange-disk.ts';
import { ask, chat, type Json, json } from '../integration/wire.ts';
import { at, startLoad } from '../support/keep-alive-load.ts';
import { fillDisk, seenBy } from '../support/small-disk.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

const disk = { folder: 'disk', megabytes: 64 };
const skip = strangeDiskObstacle() ?? false;

async function records(cluster: TestCluster): Promise<Json[]> {
  return json(await ask(cluster, '/api/journal?healer=log-fallback'))['data'] as Json[];
}

function linesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter(name => name.startsWith('combined-'))
    .flatMap(name => readFileSync(join(folder, name), 'utf8').trim().split('\n'));
}

/** @returns the ids of the requests that the log tells of */
function idsIn(folder: string): Set<string> {
  const found = linesIn(folder).map(line => /"id":"(req_\w+)"/.exec(line)?.[1]);
  return new Set(found.filter(id => id !== undefined));
}

test('the disk of the logs is full, then their folder is gone: no request fails, no line is lost, each is one record', {
  skip,
}, async t => {
  await using cluster = await startCluster({
    disk,
    env: { LOG_DIR: 'disk/logs', LOG_DIR_FALLBACK: 'spare-logs' },
    fakeOptions: { tokens: 3 },
  });
  const [worker] = await cluster.workers();
  assert.ok(worker !== undefined);
  const mounted = seenBy(worker.pid, join(cluster.home, disk.folder));
  const wanted = join(mounted, 'logs');
  const spare = join(cluster.home, 'spare-logs');
  const load = startLoad(at(cluster, '/api/chat'), 20, chat('echo:hello', { stream: false }));
  t.after(() => load.stop());
  await until('it is logged', () => linesIn(wanted).length > 50);
  assert.deepEqual(linesIn(spare), []);

  for (const [what, breakIt] of [
    ['full', () => fillDisk(mounted)],
    [
      'gone',
      () => {
        // Kept, so that it can be looked into at the end.
        renameSync(wanted, `${wanted}-old`);
        writeFileSync(wanted, 'a file in the way');
        return () => rmSync(wanted);
      },
    ],
  ] as const) {
    const before = (await records(cluster)).length;
    const repair = breakIt();
    await until(`${what}: it is told`, async () => (await records(cluster)).length === before + 1, 20_000);
    const [record] = await records(cluster);
    assert.deepEqual([record?.['action'], record?.['result']], ['log_elsewhere', null], what);
    const seen = linesIn(spare).length;
    await until(`${what}: lines go elsewhere`, () => linesIn(spare).length > seen + 50);
    assert.match((await ask(cluster, '/metrics')).text, /^deci_log_state 1$/m);
    repair();
    const repairedAt = performance.now();
    await until(`${what}: it is well again`, async () => (await records(cluster))[0]?.['result'] === 'healed', 30_000);
    t.diagnostic(`${what}: back within ${((performance.now() - repairedAt) / 1000).toFixed(1)} s`);
    assert.equal((await records(cluster)).length, before + 1, `${what}: one record`);
  }
  const asked = await ask(cluster, '/api/chat', chat('echo:the last', { stream: false }));
  const id = asked.headers.get('x-request-id') ?? '';
  await until('it is logged where it belongs', () => idsIn(wanted).has(id));
  const { failures, requests } = await load.stop();
  t.diagnostic(`${requests} requests`);
  assert.deepEqual(failures, []);
  const folders = [wanted, `${wanted}-old`, spare];
  const logged = (): number => folders.reduce((sum, folder) => sum + idsIn(folder).size, 0);
  await until('every request is in a log', () => logged() >= requests + 1);
  await until('all is well', async () => (await ask(cluster, '/metrics')).text.includes('\ndeci_log_state 0\n'));
  assert.match((await ask(cluster, '/metrics')).text, /^deci_log_lines_lost_total 0$/m);
});
