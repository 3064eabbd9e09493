/** A damaged model of an Ollama server, pulled again by control: whatever becomes of control meanwhile, and not more often than it may. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { liveControl } from '../../src/config/live-workers.ts';
import { healed, startHealedCluster } from '../support/healed-ollama.ts';
import type { TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

let cluster: TestCluster;
const { failUntilLeftAlone, nextOf, recordOf, recover, status } = healed(() => cluster);

before(async () => {
  cluster = await startHealedCluster({ OLLAMA_RESTART_COMMAND: 'off' });
});
after(() => cluster?.stop());
beforeEach(() => recover());

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
