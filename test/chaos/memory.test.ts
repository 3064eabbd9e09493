/** A burst that would fill the memory of all workers, at the port that they share. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, startLoad } from '../support/keep-alive-load.ts';
import { largeQuestions, type Told } from '../support/large-questions.ts';
import { startCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

interface Page {
  readonly data: ReadonlyArray<{ readonly action: string; readonly target: string; readonly result: string | null }>;
}

test('a burst that fills the heaps is refused with 503, no worker dies, and all is as before when it is over', async () => {
  const env = { HEAP_LIMIT_MB: '128', QUEUE_MAX: '1000' };
  await using cluster = await startCluster({ workers: 2, env, slots: { model: 1, host: 1 } });
  const before = (await cluster.workers()).map(({ pid }) => pid).toSorted();
  await cluster.control.fault({ fault: 'hang', path: '/api/chat' });
  // Answered by the workers themselves, whatever Ollama does.
  const count = { model: 'llama3.2', messages: [{ role: 'user', content: 'hi' }] };
  const others = startLoad(at(cluster, '/v1/messages/count_tokens'), 5, count);
  const abort = new AbortController();
  const answers: Told[] = [];
  const asked: Array<Promise<unknown>> = [];
  const isShedding = async (): Promise<boolean> =>
    (await cluster.workers()).some(({ memory }) => memory?.stage === 'shed');
  await until(
    'new work is refused',
    async () => {
      if (asked.length < 400) {
        for (const answer of largeQuestions(cluster, 10, 700_000, abort.signal)) {
          asked.push(answer.then(told => answers.push(told)));
        }
      }
      return answers.some(({ status }) => status === 503) || (await isShedding());
    },
    15_000,
  );
  abort.abort();
  await Promise.all(asked);
  await cluster.control.reset();
  await until('all is normal', async () =>
    (await cluster.workers()).every(({ memory, state }) => state === 'ready' && memory?.stage === 'normal'),
  );
  const { failures } = await others.stop();
  // What is refused is told with a status; nothing else may go wrong.
  assert.deepEqual(
    failures.filter(failure => !failure.includes('503')),
    [],
  );
  assert.deepEqual((await cluster.workers()).map(({ pid }) => pid).toSorted(), before);

  const headers = { authorization: `Bearer ${cluster.key}` };
  const recordsOf = async (): Promise<Page['data']> => {
    const response = await fetch(`${cluster.url}/api/journal?healer=memory-guard`, { headers });
    return ((await response.json()) as Page).data;
  };
  await until('the records are complete', async () => (await recordsOf()).every(({ result }) => result === 'healed'));
  const targets = (await recordsOf()).map(({ target }) => target);
  assert.ok(
    targets.length >= 1 && new Set(targets).size === targets.length,
    `one for each worker: ${targets.join(', ')}`,
  );
  assert.ok((await recordsOf()).every(({ action }) => action === 'relieve'));
});
