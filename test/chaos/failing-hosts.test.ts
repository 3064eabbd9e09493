/** The figures of hosts that fail, with real processes: one that freezes under load, one that is away for a moment, and none at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freezeProcess } from '../faults/freeze-process.ts';
import { ask, chat, type Json, json, lines } from '../integration/wire.ts';
import { startHost } from '../support/host-process.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

interface Asked {
  readonly startedAtMs: number;
  readonly tookMs: number;
  readonly status: number;
  readonly isRight: boolean;
  readonly upstream: string | null;
}

const question = { model: 'llama3.2', messages: [{ role: 'user', content: 'echo:the whole answer' }] };

function contentOf({ message }: Json): string {
  const content = (message as Json | undefined)?.['content'];
  return typeof content === 'string' ? content : '';
}

/** Half of them as streams, whose end is checked too. */
async function askOnce(cluster: TestCluster, number: number): Promise<Asked> {
  const startedAtMs = performance.now();
  const answer = await ask(cluster, '/api/chat', { ...question, stream: number % 2 === 0 });
  const tookMs = performance.now() - startedAtMs;
  const rows = answer.status === 200 ? lines(answer.text) : [];
  const text = rows.map(contentOf).join('');
  const isRight = answer.status !== 200 || (text === 'the whole answer' && rows.at(-1)?.['done'] === true);
  return { startedAtMs, tookMs, status: answer.status, isRight, upstream: answer.headers.get('x-deci-upstream') };
}

function startCallers(cluster: TestCluster, count: number): { asked: Asked[]; stop: () => Promise<void> } {
  const asked: Asked[] = [];
  const going = { on: true };
  const callers = Array.from({ length: count }, async (_, caller) => {
    for (let number = caller; going.on; number++) asked.push(await askOnce(cluster, number));
  });
  const stop = async (): Promise<void> => {
    going.on = false;
    await Promise.all(callers);
  };
  return { asked, stop };
}

function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

async function breakerOf(cluster: TestCluster, name: string): Promise<string> {
  const { data } = json(await ask(cluster, '/api/admin/breakers'));
  return String((data as Json[]).find(breaker => breaker['name'] === name)?.['state']);
}

const p99 = (asked: readonly Asked[]): number =>
  percentile(
    asked.map(({ tookMs }) => tookMs),
    0.99,
  );

test('one of two hosts frozen under load: no wrong answer, the rest as fast as before, used again after it thaws', {
  timeout: 120_000,
}, async t => {
  await using first = await startHost({ tokens: 10, tokenMs: 10 });
  await using second = await startHost({ tokens: 10, tokenMs: 10 });
  await using cluster = await startCluster({
    env: {
      CACHE: 'off',
      OLLAMA_URLS: `${first.url}#slots=4,${second.url}#slots=4`,
      HEARTBEAT_INTERVAL: 'off',
      OLLAMA_RESTART_COMMAND: 'off',
    },
  });
  const name = new URL(first.url).host;
  for (const { url } of [first, second]) {
    await fetch(`${url}/api/generate`, { method: 'POST', body: '{"model":"llama3.2","keep_alive":-1}' });
  }
  const { asked, stop } = startCallers(cluster, 4);
  await until('both hosts answer', () => new Set(asked.map(({ upstream }) => upstream)).size >= 2, 20_000);
  const enough = asked.length + 200;
  await until('it is known how fast they are', () => asked.length >= enough, 30_000);
  const before = p99(asked);
  const frozen = freezeProcess(first.pid);
  try {
    const frozenAtMs = performance.now();
    await until('its breaker opens', async () => (await breakerOf(cluster, name)) === 'open', 30_000);
    const openedMs = performance.now() - frozenAtMs;
    // The others follow within a second.
    await until(
      'all workers leave it alone',
      async () => {
        const states = await Promise.all([1, 2, 3, 4].map(() => breakerOf(cluster, name)));
        return states.every(state => state !== 'closed');
      },
      1000,
    );
    const openAtMs = performance.now();
    const since = (): Asked[] => asked.filter(({ startedAtMs }) => startedAtMs > openAtMs);
    await until('many were asked since', () => since().length >= 200, 30_000);
    const after = p99(since());
    const thawedAtMs = performance.now();
    frozen.thaw();
    await until('its breaker is closed', async () => (await breakerOf(cluster, name)) === 'closed', 20_000);
    const closedMs = performance.now() - thawedAtMs;
    await stop();
    t.diagnostic(`p99 ${before.toFixed(0)} ms before, ${after.toFixed(0)} ms once open`);
    t.diagnostic(`open ${openedMs.toFixed(0)} ms after it froze, closed ${closedMs.toFixed(0)} ms after it thawed`);
    assert.equal(asked.filter(({ isRight }) => !isRight).length, 0);
    assert.equal(asked.filter(({ status }) => status !== 200).length, 0);
    assert.ok(openedMs <= 15_000, `open after ${openedMs} ms: 10 s after the first watchdog`);
    assert.ok(after <= 2 * before, `p99 ${after} ms, before ${before} ms`);
    assert.ok(closedMs <= 10_000, `closed ${closedMs} ms after it thawed`);
  } finally {
    frozen.thaw();
    await stop();
  }
});

test('a failure that passes is not seen by the client, who has his answer within 5 s of the host being back', {
  timeout: 90_000,
}, async t => {
  await using cluster = await startCluster({ env: { CACHE: 'off', HEARTBEAT_INTERVAL: 'off' } });
  assert.equal((await askOnce(cluster, 0)).status, 200);
  const faults: ReadonlyArray<readonly [string, () => Promise<void>, number]> = [
    ['reset', () => cluster.control.fault({ fault: 'reset', path: '/api/chat', times: 1 }), 0],
    ['503', () => cluster.control.fault({ fault: 'busy-503', path: '/api/chat', times: 1 }), 0],
    ['2 s outage', () => cluster.control.refuse({ cut: true, forMs: 2000 }), 2000],
  ];
  for (const [what, break_, awayMs] of faults) {
    await break_();
    const { status, isRight, tookMs } = await askOnce(cluster, 1);
    assert.deepEqual([status, isRight], [200, true], what);
    t.diagnostic(`${what}: ${(tookMs - awayMs).toFixed(0)} ms after the host was back`);
    assert.ok(tookMs - awayMs <= 5000, `${what}: ${tookMs} ms`);
  }
});

test('all hosts dead: what was answered before is served as stale, the rest refused at once', {
  timeout: 90_000,
}, async t => {
  await using cluster = await startCluster({ env: { HEARTBEAT_INTERVAL: 'off', OLLAMA_RESTART_COMMAND: 'off' } });
  const known = chat('echo:known before');
  const first = await ask(cluster, '/api/chat', known);
  assert.equal(first.status, 200);
  await cluster.control.refuse({ cut: true });
  const different = (number: number): object => chat(`echo:not known ${number}`, { stream: number % 2 === 0 });
  // An outage that has only begun is waited out.
  let number = 0;
  await until(
    'nobody waits any more',
    async () => {
      const atMs = performance.now();
      for (let time = 0; time < 4; time++) await ask(cluster, '/api/chat', different(number++));
      return performance.now() - atMs < 400;
    },
    30_000,
  );
  const took: number[] = [];
  for (let time = 0; time < 400; time++) {
    const atMs = performance.now();
    const { status, text } = await ask(cluster, '/api/chat', different(number++));
    took.push(performance.now() - atMs);
    assert.equal(status, 503);
    assert.match(text, /can be reached/);
  }
  t.diagnostic(
    `refused in ${percentile(took, 0.5).toFixed(1)} ms (p50), ${percentile(took, 0.99).toFixed(1)} ms (p99)`,
  );
  assert.ok(percentile(took, 0.99) <= 50, `${percentile(took, 0.99)} ms`);
  for (let time = 0; time < 6; time++) {
    const stale = await ask(cluster, '/api/chat', known);
    assert.deepEqual([stale.status, stale.headers.get('x-deci-cache')], [200, 'stale']);
  }
});
