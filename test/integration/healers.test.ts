/** Every healer there is can be switched while all runs; and the journal is found through by what a person knows. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { healerCatalogue } from '../../src/journal/healer-catalogue.ts';
import { startWorker, type TestWorker } from '../support/start-worker.ts';
import { until } from '../support/until.ts';
import { ask, type Json, json } from './wire.ts';

let worker: TestWorker;

before(async () => {
  worker = await startWorker({
    OLLAMA_URLS: 'http://127.0.0.1:9',
    OLLAMA_RESTART_COMMAND: 'off',
    BREAKER_FAILURES: '2',
  });
});
after(async () => await worker?.[Symbol.asyncDispose]());

async function modeOf(name: string): Promise<unknown> {
  const all = json(await ask(worker, '/api/admin/healers'))['data'] as Json[];
  return all.find(one => one['name'] === name)?.['mode'];
}

for (const name of Object.keys(healerCatalogue)) {
  test(`${name} can be set to a dry run, off and on, has a budget, and is on at first`, async () => {
    assert.equal(await modeOf(name), 'on');
    for (const mode of ['dry_run', 'off', 'on']) {
      const answer = await ask(worker, `/api/admin/healers/${name}`, { mode }, { method: 'PUT' });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(json(answer)['mode'], mode);
      assert.equal(await modeOf(name), mode);
      const { actions } = json(answer)['budget'] as { actions: number };
      assert.ok(actions > 0 && actions < 1000);
    }
  });
}

test('the list is the catalogue, and nothing besides', async () => {
  const all = json(await ask(worker, '/api/admin/healers'))['data'] as Json[];
  assert.deepEqual(all.map(one => one['name']).toSorted(), Object.keys(healerCatalogue).toSorted());
});

test('filters of the journal that cannot be understood are refused with the name of the member', async () => {
  for (const [query, member] of [
    ['result=great', 'result'],
    ['since=yesterday', 'since'],
    ['until=12', 'until'],
    ['target=', 'target'],
    [`target=${'x'.repeat(301)}`, 'target'],
    ['result=healed&result=worse', 'result'],
    ['color=red', 'color'],
  ] as const) {
    const answer = await ask(worker, `/api/journal?${query}`);
    assert.equal(answer.status, 400, query);
    assert.match(answer.text, new RegExp(member), query);
  }
});

test('records are found by healer, result, target and time', async () => {
  const beganAt = new Date(Date.now() - 1000).toISOString();
  const chat = { model: 'llama3.2', messages: [{ role: 'user', content: 'hi' }], stream: false };
  const found = async (query: string): Promise<Json[]> =>
    json(await ask(worker, `/api/journal?${query}`))['data'] as Json[];
  await until('a breaker opened', async () => {
    await ask(worker, '/api/chat', chat);
    return (await found('healer=breaker')).length > 0;
  });
  const all = await found('healer=breaker');
  assert.ok(all.length > 0);
  const ids = (records: Json[]): unknown[] => records.map(one => one['id']);
  const offset = beganAt.replace('Z', '%2B00:00');
  assert.deepEqual(ids(await found(`healer=breaker&since=${offset}&target=127.0.0.1:9&result=healed`)), ids(all));
  assert.deepEqual(await found('healer=breaker&result=dry_run'), []);
  assert.deepEqual(await found('target=127.0.0.1'), []);
  assert.deepEqual(await found(`until=${beganAt}&healer=breaker`), []);
});
