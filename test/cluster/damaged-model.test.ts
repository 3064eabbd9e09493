/** A damaged model of an Ollama server, pulled again by control: whatever becomes of control meanwhile, and not more often than it may. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { liveControl } from '../../src/config/live-workers.ts';
import { ask, chat, type Json, json } from '../integration/wire.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

const model = 'llama3.2';
let cluster: TestCluster;

before(async () => {
  cluster = await startCluster({
    fakeOptions: { numParallel: 8 },
    env: {
      CACHE: 'off',
      FIRST_TOKEN_TIMEOUT: '500ms',
      LOAD_TIMEOUT: '500ms',
      HEARTBEAT_INTERVAL: 'off',
      RETRY_MAX: '1',
      OLLAMA_RESTART_COMMAND: 'off',
    },
  });
});
after(() => cluster?.stop());
beforeEach(async () => {
  await cluster.control.reset();
  await ask(cluster, '/api/admin/breakers/all/reset', undefined, { method: 'POST' });
  await until('it answers', async () => (await status()) === 200);
});

const status = async (): Promise<number> =>
  (await ask(cluster, '/api/chat', chat('x', { model, stream: false }))).status;

async function recordOf(healer: string): Promise<Json | undefined> {
  const page = json(await ask(cluster, `/api/journal?healer=${healer}&limit=1`));
  return (page['data'] as Json[])[0];
}

/** @returns what tells the next record that is complete, once there is one */
async function nextOf(healer: string): Promise<(withinMs: number) => Promise<Json>> {
  const earlier = (await recordOf(healer))?.['id'];
  return async withinMs => {
    let record: Json | undefined;
    const isThere = async (): Promise<boolean> => {
      record = await recordOf(healer);
      return typeof record?.['result'] === 'string' && record['id'] !== earlier;
    };
    await until(`${healer} has acted`, isThere, withinMs);
    return record ?? {};
  };
}

async function failUntilLeftAlone(): Promise<void> {
  await until('it is left alone', async () => {
    await Promise.all([1, 2, 3, 4, 5, 6].map(status));
    const { data } = json(await ask(cluster, '/api/admin/breakers'));
    return (data as Json[]).some(breaker => breaker['state'] === 'open');
  });
}

const damaged = 'error loading model: tensor data is not within the file bounds, model is corrupted or incomplete';

async function damageModel(): Promise<void> {
  for (const path of ['/api/chat', '/api/generate'])
    await cluster.control.fault({ fault: 'load-failure', path, message: damaged });
}

const asked = (path: string): number => cluster.control.state().requests.filter(one => one.path === path).length;

test('control is killed between the deletion of a damaged model and its pull: the next one pulls it', async () => {
  // The pull that did not help and the look whether the registry has it; the one behind the deletion hangs.
  await cluster.control.fault({ fault: 'hang', path: '/api/pull', skip: 2 });
  await damageModel();
  const deleted = cluster.control.waitFor(({ requests }) => requests.some(({ path }) => path === '/api/delete'));
  await failUntilLeftAlone();
  await deleted;
  await cluster.control.waitFor(() => asked('/api/pull') >= 3);
  const { pid } = liveControl(cluster.runDir) ?? {};
  assert.ok(pid !== undefined);
  process.kill(pid, 'SIGKILL');
  await until('another control is there', () => ![undefined, pid].includes(liveControl(cluster.runDir)?.pid));
  await cluster.control.clearFaults();
  await until(
    'it is back, and that is told',
    async () => {
      const record = await recordOf('ollama-pull');
      return record?.['action'] === 'restore_model' && record['result'] === 'healed';
    },
    30_000,
  );
  await until('requests are answered', async () => (await status()) === 200, 20_000);
});

test('a healer whose budget is used up only tells, and one that is switched off does nothing', async () => {
  const set = async (mode: string): Promise<void> =>
    assert.equal((await cluster.script(['src/cli.ts', 'healers', 'set', 'ollama-pull', mode])).code, 0);
  await set('off');
  await damageModel();
  await failUntilLeftAlone();
  const earlier = { pulls: asked('/api/pull'), record: (await recordOf('ollama-pull'))?.['id'] };
  // The record of what is still on is written meanwhile: control has looked.
  const next = await nextOf('ollama-pull');
  await until('the host is tried and fails again', async () => (await status()) !== 503, 40_000);
  assert.deepEqual({ pulls: asked('/api/pull'), record: (await recordOf('ollama-pull'))?.['id'] }, earlier);
  // Its two actions of an hour are used up by the tests before this one.
  await set('on');
  const record = await next(40_000);
  assert.deepEqual([record['action'], record['result']], ['pull_model', 'suppressed']);
  assert.equal(asked('/api/pull'), earlier.pulls);
});
