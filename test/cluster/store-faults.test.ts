/**
 * A store that cannot be used at the start: requests are served all the same, every place that needs it says by name what is wrong, the file
 * is left as it is, and a store that is whole again is used without a restart.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { removeHotFiles } from '../../scripts/lib/hot-files.ts';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { get, type Served, serves, storeIn } from '../support/served-cluster.ts';
import { clusterEnvironment, runScript } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

/** What is refused, in which words; the client learns no path. */
async function isRefused(cluster: Served, status: number, code: string): Promise<void> {
  for (const [path, method, body] of [
    ['/api/journal', 'GET', undefined],
    ['/api/admin/healers', 'GET', undefined],
    ['/api/admin/healers/dead-leases', 'PUT', { mode: 'on' }],
  ] as const) {
    const answer = await get(cluster, path, method, body);
    const problem = (await answer.json()) as { code: string; hint: string };
    assert.deepEqual([path, answer.status, problem.code], [path, status, code]);
    assert.match(problem.hint, /doctor|DATA_DIR|disk/);
    assert.doesNotMatch(JSON.stringify(problem), /sqlite/);
  }
}

async function healthSays(cluster: Served, reason: string): Promise<void> {
  const health = (await (await get(cluster, '/api/health')).json()) as {
    status: string;
    checks: { store: Array<{ status: string; output?: string }> };
    healing: { last_24h: number | null };
  };
  assert.equal(health.status, 'warn');
  assert.deepEqual([health.checks.store[0]?.status, health.checks.store[0]?.output], ['warn', reason]);
}

/** Makes each kind of file that is no store of ours. */
const broken: Readonly<Record<string, (path: string) => void>> = {
  damaged: path => writeFileSync(path, Buffer.alloc(8192, 'nonsense')),
  foreign: path => {
    const db = new DatabaseSync(path);
    db.exec('CREATE TABLE photos (id INTEGER); PRAGMA application_id = 7');
    db.close();
  },
  newer: path => {
    const db = new DatabaseSync(path);
    db.exec('CREATE TABLE later (id INTEGER); PRAGMA application_id = 0x44454349; PRAGMA user_version = 9999');
    db.close();
  },
};

describe('at the start', () => {
  let fake: FakeOllama;
  before(async () => {
    fake = await startFakeOllama();
  });
  after(() => fake.stop());

  for (const [reason, make] of Object.entries(broken)) {
    test(`a ${reason} store: the cluster serves, tells it by name, leaves the file, and uses a good one when it is there`, async () => {
      const home = mkdtempSync(join(tmpdir(), 'deci-'));
      const env = clusterEnvironment(home, { OLLAMA_URLS: fake.url });
      try {
        mkdirSync(join(home, 'data'), { mode: 0o700 });
        make(storeIn(home));
        const bytes = readFileSync(storeIn(home));
        const { code, stdout, stderr } = await runScript(['scripts/start.ts', '--json'], env);
        assert.equal(code, 0, stderr);
        const { url } = JSON.parse(stdout) as { url: string };
        const cluster = { url, key: readFileSync(join(home, 'data', 'admin-key'), 'utf8').trim() };
        await serves(cluster);
        await isRefused(cluster, 503, 'store_unavailable');
        await healthSays(cluster, reason);
        assert.deepEqual(readFileSync(storeIn(home)), bytes, 'the file is left as it is');
        const doctor = await runScript(['scripts/doctor.ts', '--json'], env);
        assert.equal(doctor.code, 3);
        assert.match(doctor.stdout, /"group":"Store","name":"content","status":"fail"/);
        assert.match(await (await get(cluster, '/metrics')).text(), /^deci_store_up 0$/m);

        renameSync(storeIn(home), `${storeIn(home)}.aside`);
        await until('the store is used', async () => (await get(cluster, '/api/journal')).status === 200, 20_000);
        assert.deepEqual(readFileSync(`${storeIn(home)}.aside`), bytes);
      } finally {
        await runScript(['scripts/stop.ts'], env);
        removeHotFiles({ hotDir: undefined, runDir: join(home, 'run') });
        rmSync(home, { recursive: true, force: true, maxRetries: 5 });
      }
    });
  }
});
