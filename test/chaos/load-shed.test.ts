/** Workers that have more to do than time: real work that keeps their event loops, in both of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepBusy } from '../faults/keep-busy.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

interface Page {
  readonly data: ReadonlyArray<{
    readonly action: string;
    readonly target: string;
    readonly result: string | null;
    readonly requests_affected: number | null;
  }>;
}

/** Of `LOAD_DELAY` = 150 ms: more than once as late, and more than twice. */
const lateMs = 250;
const laterMs = 450;
const messages = [{ role: 'user', content: 'hi' }];
const questions = {
  background: ['/api/chat', { model: 'llama3.2', messages, stream: false }, 'background'],
  openai: ['/v1/chat/completions', { model: 'llama3.2', messages }, 'background'],
  anthropic: ['/v1/messages', { model: 'llama3.2', messages, max_tokens: 9 }, 'background'],
  batch: ['/api/embed', { model: 'llama3.2', input: 'hi' }, undefined],
  interactive: ['/api/chat', { model: 'llama3.2', messages, stream: false }, undefined],
} as const;
type Question = keyof typeof questions;

function ask({ url, key }: TestCluster, question: Question): Promise<Response> {
  const [path, body, priority] = questions[question];
  return fetch(`${url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      connection: 'close',
      ...(priority === undefined ? {} : { 'x-deci-priority': priority }),
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(8000),
  });
}

async function statuses(cluster: TestCluster): Promise<Record<Question, number>> {
  const names = Object.keys(questions) as Question[];
  const answers = await Promise.all(
    names.map(async name => {
      const response = await ask(cluster, name);
      const text = await response.text();
      if (response.status === 503) {
        assert.ok(Number(response.headers.get('retry-after')) >= 5, `${name}: ${text}`);
        assert.match(text, /more work than it can do/, name);
      }
      return [name, response.status] as const;
    }),
  );
  return Object.fromEntries(answers) as Record<Question, number>;
}

async function stagesAre(cluster: TestCluster, stage: string): Promise<void> {
  await until(
    `all workers are at ${stage}`,
    async () => {
      const workers = await cluster.workers();
      return workers.length === 2 && workers.every(({ load }) => load?.stage === stage);
    },
    12_000,
  );
}

test('busy workers refuse background work, then batch work, answer the others, and tell it once', async () => {
  await using cluster = await startCluster({ workers: 2, env: { LOAD_DELAY: '150ms' } });
  const pids = (await cluster.workers()).map(({ pid }) => pid).toSorted();
  const busy = async (blockMs: number): Promise<void> => {
    for (const pid of pids) await keepBusy(pid, blockMs);
  };
  await busy(lateMs);
  await stagesAre(cluster, 'background');
  const refused = { background: 503, openai: 503, anthropic: 503, batch: 200, interactive: 200 };
  assert.deepEqual(await statuses(cluster), refused);
  const lists = await fetch(`${cluster.url}/api/tags`, { headers: { authorization: `Bearer ${cluster.key}` } });
  assert.equal(lists.status, 200);

  await busy(laterMs);
  await stagesAre(cluster, 'batch');
  assert.deepEqual(await statuses(cluster), { ...refused, batch: 503 });

  await busy(0);
  await stagesAre(cluster, 'normal');
  assert.deepEqual(new Set(Object.values(await statuses(cluster))), new Set([200]));
  assert.deepEqual((await cluster.workers()).map(({ pid }) => pid).toSorted(), pids);

  const recordsOf = async (): Promise<Page['data']> => {
    const headers = { authorization: `Bearer ${cluster.key}` };
    const response = await fetch(`${cluster.url}/api/journal?healer=load-shed`, { headers });
    return ((await response.json()) as Page).data;
  };
  await until('the record is complete', async () => (await recordsOf()).every(({ result }) => result !== null));
  const records = await recordsOf();
  assert.deepEqual(
    records.map(({ action, target, result }) => ({ action, target, result })),
    [{ action: 'shed', target: 'workers', result: 'healed' }],
  );
  const affected = records[0]?.requests_affected ?? 0;
  // Those that the other worker refuses after the one that tells is well again are in its metrics alone.
  assert.ok(affected >= 3 && affected <= 7, `${affected} requests`);
});
