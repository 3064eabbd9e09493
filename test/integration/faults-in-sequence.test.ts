/** One fault after another on the same host, with no time between: each is seen for what it is, and none outlives its end. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';
import { answerText } from './resilience-cases.ts';
import { ask, chat, type Json, json } from './wire.ts';

const model = 'llama3.2:latest';
let cluster: TestCluster;
let first: FakeOllama;
let second: FakeOllama;

before(async () => {
  first = await startFakeOllama({ numParallel: 16 });
  second = await startFakeOllama({ numParallel: 16 });
  cluster = await startCluster({
    env: {
      OLLAMA_URLS: `${first.url}#slots=32,${second.url}#slots=32`,
      OLLAMA_MAX_CONNECTIONS: '32',
      OLLAMA_HEALTH_INTERVAL: '500ms',
      OLLAMA_RESTART_COMMAND: 'off',
      HEARTBEAT_INTERVAL: 'off',
      FIRST_TOKEN_TIMEOUT: '400ms',
      LOAD_TIMEOUT: '400ms',
      RETRY_BASE: '50ms',
      RETRY_BUDGET: '1',
      BREAKER_RESET: '12s',
      CACHE: 'off',
    },
  });
  // What is healed here is the breakers' alone.
  for (const healer of ['ollama-reload', 'ollama-pull'])
    assert.equal((await cluster.script(['src/cli.ts', 'healers', 'set', healer, 'off'])).code, 0);
});
after(async () => {
  await cluster?.stop();
  await first?.stop();
  await second?.stop();
});

const nameOf = (fake: FakeOllama): string => new URL(fake.url).host;

interface FaultOfHost {
  readonly begin: () => Promise<void>;
  /** What its breaker, or its model's, is then open for. */
  readonly cause: string;
  /** The model alone is left alone for it. */
  readonly ofModel?: true;
}

const faults: Readonly<Record<'reset' | 'hang' | 'refusal' | 'gone', FaultOfHost>> = {
  reset: { begin: () => first.control.fault({ fault: 'reset', path: '/api/*' }), cause: 'upstream_broken' },
  hang: { begin: () => first.control.fault({ fault: 'hang', path: '/api/*' }), cause: 'first_token_timeout' },
  refusal: { begin: () => first.control.fault({ fault: 'load-failure' }), cause: 'upstream_refused', ofModel: true },
  gone: { begin: () => first.control.refuse({ cut: true }), cause: 'upstream_unreachable' },
};

async function ofFirst(): Promise<Json[]> {
  const { data } = json(await ask(cluster, '/api/admin/breakers'));
  return (data as Json[]).filter(({ name }) => String(name).split(' ')[0] === nameOf(first));
}

async function isOpenFor({ cause }: FaultOfHost): Promise<boolean> {
  return (await ofFirst()).some(breaker => breaker['state'] !== 'closed' && breaker['cause'] === cause);
}

async function setDraining(fake: FakeOllama, verb: 'drain' | 'undrain'): Promise<void> {
  const path = `/api/admin/hosts/${encodeURIComponent(nameOf(fake))}/${verb}`;
  assert.equal((await ask(cluster, path, undefined, { method: 'POST' })).status, 200);
}

async function stateOfFirst(): Promise<unknown> {
  const { data } = json(await ask(cluster, '/api/admin/hosts'));
  return (data as Json[]).find(({ name }) => name === nameOf(first))?.['state'];
}

/** Asks all the time; a wrong answer is worse than none. */
function startAsking(): { statuses: number[]; stop: () => Promise<void> } {
  const going = { on: true };
  const statuses: number[] = [];
  const question = chat(`echo:${answerText}`, { model, stream: false });
  const callers = Array.from({ length: 3 }, async () => {
    while (going.on) {
      const answer = await ask(cluster, '/api/chat', question);
      statuses.push(answer.status);
      if (answer.status === 200) assert.equal((json(answer)['message'] as Json)['content'], answerText);
    }
  });
  const stop = async (): Promise<void> => {
    going.on = false;
    await Promise.all(callers);
  };
  return { statuses, stop };
}

const pairs = [
  ['hang', 'gone'],
  ['gone', 'hang'],
  ['reset', 'refusal'],
  ['refusal', 'gone'],
] as const;

for (const [one, other] of pairs) {
  test(`${one}, and then ${other}: each is what it is left alone for, and it is used again when both are over`, {
    timeout: 90_000,
  }, async () => {
    for (const fake of [first, second]) await ask(fake, '/api/generate', { model, keep_alive: -1 });
    // Requests keep away from a host that fails beside one that does not.
    await setDraining(second, 'drain');
    const asking = startAsking();
    try {
      await faults[one].begin();
      await until(`it is left alone for ${one}`, () => isOpenFor(faults[one]), 30_000);
      await first.control.clearFaults();
      await faults[other].begin();
      await until(`it is left alone for ${other}`, () => isOpenFor(faults[other]), 40_000);
      await setDraining(second, 'undrain');
      await until('the other one answers', async () => {
        const answer = await ask(cluster, '/api/chat', chat('x', { model, stream: false }));
        return answer.status === 200 && answer.headers.get('x-deci-upstream') === nameOf(second);
      });
      if (faults[other].ofModel !== true) assert.notEqual(await stateOfFirst(), 'ready');
      await first.control.clearFaults();
      await until(
        'its breakers are closed',
        async () => (await ofFirst()).every(({ state }) => state === 'closed'),
        30_000,
      );
      await until('it is ready', async () => (await stateOfFirst()) === 'ready', 10_000);
      const seen = asking.statuses.length;
      await until(
        'it answers',
        async () => {
          const { headers } = await ask(cluster, '/api/chat', chat('x', { model, stream: false }));
          return headers.get('x-deci-upstream') === nameOf(first);
        },
        20_000,
      );
      await until('many were asked since', () => asking.statuses.length > seen + 20, 20_000);
      assert.ok(asking.statuses.slice(seen).every(status => status === 200));
    } finally {
      await asking.stop();
      await first.control.clearFaults();
      await setDraining(second, 'undrain');
    }
  });
}
