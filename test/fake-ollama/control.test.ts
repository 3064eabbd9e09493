import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { chat, post, postJson, startFor } from './test-client.ts';

test('the state shows requests with headers, size, body and outcome', async context => {
  const fake = await startFor(context);
  await (await post(fake, '/api/chat?x=1', chat('hi'), { headers: { 'x-test': 'yes' } })).text();
  const { requests, requestCount } = await fake.control.waitFor(state => state.requests[0]?.outcome === 'finished');
  const [request] = requests;
  assert.equal(requestCount, 1);
  assert.deepEqual(
    [request?.method, request?.path, request?.query, request?.headers['x-test'], request?.model, request?.status],
    ['POST', '/api/chat', 'x=1', 'yes', 'llama3.2', 200],
  );
  assert.deepEqual(request?.body, chat('hi'));
  assert.equal(request.bodyBytes, JSON.stringify(chat('hi')).length);
});

test('waitFor rejects with the reason of its signal and with the error of its predicate', async context => {
  const fake = await startFor(context);
  const stop = new AbortController();
  const waiting = fake.control.waitFor(() => false, stop.signal);
  stop.abort(new Error('enough'));
  await assert.rejects(waiting, { message: 'enough' });
  const failing = fake.control.waitFor(state => {
    if (state.requestCount > 0) throw new Error('seen');
    return false;
  });
  await Promise.all([assert.rejects(failing, { message: 'seen' }), fetch(`${fake.url}/api/version`)]);
});

test('options change at run time, in the process and over HTTP, and wrong ones are refused', async context => {
  const fake = await startFor(context);
  fake.control.setOptions({ tokens: 3 });
  assert.equal((await postJson(fake, '/api/chat', chat('hi', { stream: false })))['eval_count'], 3);
  await post(fake, '/_fake/options', { tokens: 5, firstTokenMs: 1 });
  assert.equal((await postJson(fake, '/api/chat', chat('hi', { stream: false })))['eval_count'], 5);
  assert.equal((await post(fake, '/_fake/options', { tokens: 'many' })).status, 400);
});

test('reset brings back options, models, faults and records', async context => {
  const fake = await startFor(context);
  fake.control.setOptions({ tokens: 3 });
  fake.control.removeModel('llava');
  fake.control.addModel('extra:1b', ['completion']);
  await fake.control.fault('busy-503');
  await post(fake, '/api/chat', chat('hi'));
  await post(fake, '/_fake/reset', '');
  const state = fake.control.state();
  assert.deepEqual([state.requestCount, fake.control.faults(), Object.keys(state.models).length], [0, [], 6]);
  assert.equal((await postJson(fake, '/api/chat', chat('hi', { stream: false })))['eval_count'], 20);
});

test('state and faults are readable over HTTP, and the control plane is not in the record', async context => {
  const fake = await startFor(context);
  await fake.control.fault({ fault: 'hang', path: '/api/ps' });
  const read = async (path: string) => (await (await fetch(`${fake.url}${path}`)).json()) as Record<string, unknown>;
  assert.deepEqual(await read('/_fake/fault'), { faults: [{ fault: 'hang', path: '/api/ps' }] });
  assert.equal((await read('/_fake/state'))['requestCount'], 0);
  await fetch(`${fake.url}/_fake/fault`, { method: 'DELETE' });
  assert.deepEqual(fake.control.faults(), []);
});

test('only the last requests are remembered', async context => {
  const fake = await startFor(context, { recordRequests: 10 });
  for (let count = 0; count < 300; count++) await (await fetch(`${fake.url}/`)).text();
  const { requests, requestCount } = fake.control.state();
  assert.equal(requestCount, 300);
  assert.ok(requests.length < 300);
  assert.equal(requests.at(-1)?.id, 300);
});

async function startCommand(...args: string[]): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [`${import.meta.dirname}/main.ts`, '--quiet', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, line };
}

test('the command prints its address, serves, and exits cleanly on SIGTERM and SIGINT', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { child, line } = await startCommand('--port', '0', '--tokens', '2', '--models', 'a,b:1');
    const tags = (await (await fetch(`${line}/api/tags`)).json()) as { models: { name: string }[] };
    assert.deepEqual(
      tags.models.map(model => model.name),
      ['a:latest', 'b:1'],
    );
    child.kill(signal);
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  }
});

test('the command lives through a refusal of a given time, and serves again', async () => {
  const { child, line } = await startCommand('--port', '0');
  const refused = await fetch(`${line}/_fake/fault`, {
    method: 'POST',
    body: JSON.stringify({ fault: 'refuse', forMs: 200, cut: true }),
  }).catch(() => undefined);
  await refused?.text().catch(() => undefined);
  const serves = (): Promise<boolean> =>
    fetch(`${line}/api/version`).then(
      response => response.ok,
      () => false,
    );
  while (child.exitCode === null && !(await serves()));
  assert.equal(child.exitCode, null);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('a fault with impossible parameters costs its request, not the server', async context => {
  const fake = await startFor(context);
  await fake.control.fault({ fault: 'status', status: 9999, times: 1 });
  await assert.rejects(post(fake, '/api/chat', chat('hi')));
  assert.equal((await fetch(`${fake.url}/api/version`)).status, 200);
});
