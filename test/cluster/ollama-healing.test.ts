/** What control heals on Ollama servers, with a whole cluster: each with its record in the journal, and how it can be kept from it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { healed, startHealedCluster } from '../support/healed-ollama.ts';
import type { TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

const mark = join(tmpdir(), `deci-restart-${process.pid}`);
let cluster: TestCluster;
const { failUntilLeftAlone, model, nextOf, recordOf, recover, status } = healed(() => cluster);

before(async () => {
  cluster = await startHealedCluster({ OLLAMA_RESTART_COMMAND: `echo "$DECI_UPSTREAM" >> ${mark}` });
});
after(async () => {
  await cluster?.stop();
  rmSync(mark, { force: true });
});
beforeEach(() => recover());

test('start and doctor tell what would restart the server', async () => {
  const words = `restarted by: echo "$DECI_UPSTREAM" >> ${mark}`;
  for (const script of ['scripts/start.ts', 'scripts/doctor.ts']) {
    const { stdout } = await cluster.script([script]);
    assert.ok(stdout.includes(words), stdout);
  }
});

test('five failures, spread over two workers as chance has it, are enough', async () => {
  await cluster.control.fault({ fault: 'load-failure', path: '/api/chat', message: 'exit status 2' });
  for (let time = 0; time < 5; time++) assert.equal(await status(), 500);
  await until(
    'both workers leave it alone',
    async () => (await Promise.all([1, 2, 3, 4].map(status))).every(code => code === 503),
    1000,
  );
});

test('a runner that hangs is loaded anew, and used again', async () => {
  const next = await nextOf('ollama-reload');
  cluster.control.wedge(model);
  await failUntilLeftAlone();
  const record = await next(40_000);
  assert.deepEqual([record['action'], record['result']], ['reload_model', 'healed']);
  assert.ok(Number(record['duration_ms']) > 0);
  await until('requests are answered', async () => (await status()) === 200, 10_000);
});

test('a model whose file is damaged is pulled again, and used again', async () => {
  const next = await nextOf('ollama-pull');
  const message = 'error loading model: tensor data is not within the file bounds, model is corrupted or incomplete';
  for (const path of ['/api/chat', '/api/generate'])
    await cluster.control.fault({ fault: 'load-failure', path, message });
  const pulled = cluster.control.waitFor(({ requests }) => requests.some(({ path }) => path === '/api/pull'));
  await failUntilLeftAlone();
  await pulled;
  await cluster.control.clearFaults();
  const { action } = await next(40_000);
  assert.equal(action, 'pull_model');
  // The fault may have outlived the first pull; then the model is replaced.
  await until('it is healed', async () => (await recordOf('ollama-pull'))?.['result'] === 'healed', 20_000);
  await until('requests are answered', async () => (await status()) === 200, 10_000);
});

test('a server that is gone is not restarted in a dry run; otherwise by the command, which is told whom', async () => {
  assert.equal((await cluster.script(['src/cli.ts', 'healers', 'set', 'ollama-restart', 'dry_run'])).code, 0);
  const next = await nextOf('ollama-restart');
  await cluster.control.refuse({ cut: true });
  const dry = await next(30_000);
  assert.deepEqual([dry['action'], dry['result']], ['restart_server', 'dry_run']);
  assert.equal(existsSync(mark), false);
  assert.equal((await cluster.script(['src/cli.ts', 'healers', 'set', 'ollama-restart', 'on'])).code, 0);
  await until('the command has run', () => existsSync(mark), 20_000);
  await cluster.control.accept();
  await until(
    'its record is complete',
    async () => (await recordOf('ollama-restart'))?.['result'] === 'healed',
    10_000,
  );
  assert.equal(readFileSync(mark, 'utf8').trim(), new URL(cluster.fake.url).host);
  await until('requests are answered', async () => (await status()) === 200, 5000);
});
