/** Every operation of the OpenAPI document, asked with each of its examples: what the document promises is what a client gets. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkedFetch, openApiCheck } from '../support/checked-fetch.ts';
import type { OperationObject } from '../support/openapi-check.ts';
import { checkout, startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';
import { ask, json } from './wire.ts';

let cluster: TestCluster;
let authorization: string;

before(async () => {
  cluster = await startCluster();
  const key: string | undefined = cluster.key;
  await ask(cluster, '/api/admin/models/helpdesk', { base: 'llama3.2' }, { method: 'PUT' });
  authorization = `Bearer ${key ?? readFileSync(join(cluster.home, 'data', 'admin-key'), 'utf8').trim()}`;
});
after(() => cluster?.stop());

/** What a host that nobody signed in to ollama.com refuses, in Ollama's own words. */
const needsAccount =
  /^(?:postApiExperimentalWeb(?:Search|Fetch)|postApiMe|postApiSignout|deleteApiUserKeysEncodedKey)$/;

interface Example {
  readonly name: string;
  readonly contentType?: string;
  readonly value?: unknown;
}

function examplesOf({ requestBody }: OperationObject): Example[] {
  if (requestBody === undefined) return [{ name: 'no body' }];
  return Object.entries(requestBody.content).flatMap(([contentType, { examples = {} }]) =>
    Object.entries(examples).map(([name, { value }]) => ({ name, contentType, value })),
  );
}

function pathOf(template: string, { parameters = [] }: OperationObject): string {
  return parameters
    .filter(parameter => parameter.in === 'path')
    .reduce((path, { name, example = '' }) => path.replace(`{${name}}`, known(template, example)), template);
}

/** The one host has a port that nobody could know when the example was written. */
function known(template: string, example: string): string {
  return template.startsWith('/api/admin/hosts/') ? new URL(cluster.fake.url).host : example;
}

async function noneDrains(): Promise<boolean> {
  return (await cluster.workers()).every(({ upstreams }) => upstreams.every(host => host.draining !== true));
}

function send(method: string, path: string, { contentType, value }: Example): Promise<Response> {
  const form = contentType === 'multipart/form-data';
  const body = value === undefined ? {} : { body: form ? formOf(value as object) : textOf(value) };
  const type = form || contentType === undefined ? {} : { 'content-type': contentType };
  const signal = AbortSignal.timeout(30_000);
  return checkedFetch(`${cluster.url}${path}`, { method, headers: { authorization, ...type }, ...body, signal });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function formOf(members: object): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(members)) {
    if (name === 'file') form.set(name, new Blob([String(value)]), 'speech.wav');
    else form.set(name, String(value));
  }
  return form;
}

const { paths } = openApiCheck.document;

test('every example works, and is answered as the document says', async context => {
  for (const [template, byMethod] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(byMethod)) {
      for (const example of examplesOf(operation)) {
        await context.test(`${method.toUpperCase()} ${template}: ${example.name}`, async () => {
          const response = await send(method.toUpperCase(), pathOf(template, operation), example);
          const text = await response.text();
          // Other workers follow a little later, and the next examples need the host.
          if (template.endsWith('/undrain')) await until('no worker drains', noneDrains);
          assert.ok(
            response.status < 300 || (response.status === 401 && needsAccount.test(operation.operationId)),
            text,
          );
        });
      }
    }
  }
});

test('a streamed example is answered as a stream, in every dialect', async () => {
  for (const path of ['/api/chat', '/v1/chat/completions', '/v1/responses', '/v1/messages']) {
    const { examples = {} } = paths[path]?.['post']?.requestBody?.content['application/json'] ?? {};
    const response = await send('POST', path, {
      name: 'stream',
      contentType: 'application/json',
      ...examples['stream'],
    });
    assert.match(response.headers.get('content-type') ?? '', /^(?:application\/x-ndjson|text\/event-stream)/, path);
    await response.text();
  }
});

test('what is no JSON, no object or nothing at all is refused as the document says, on every route that takes JSON', async () => {
  for (const [template, byMethod] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(byMethod)) {
      const { content = {}, required } = operation.requestBody ?? {};
      if (!('application/json' in content) || required !== true || needsAccount.test(operation.operationId)) continue;
      for (const body of ['', 'no json', '[]']) {
        const options = { method: method.toUpperCase(), headers: { authorization } };
        const { status, text } = await ask(cluster, pathOf(template, operation), body, options);
        assert.ok(status >= 400 && status < 500, `${method} ${template} ${body}: ${status} ${text}`);
      }
    }
  }
});

test('the document is served as it stands in the reference, to anybody', async () => {
  const file = readFileSync(join(checkout, 'docs', 'reference', 'openapi.json'));
  const answer = await ask(cluster, '/openapi.json');
  assert.equal(answer.status, 200);
  assert.equal(answer.text, file.toString('utf8'));
  assert.deepEqual(
    ['content-type', 'content-length', 'etag'].map(name => answer.headers.get(name)),
    ['application/json; charset=utf-8', String(file.length), null],
  );
  const head = await ask(cluster, '/openapi.json', undefined, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('content-length'), head.text], [200, String(file.length), '']);
  assert.equal(json(answer)['openapi'], '3.1.1');
});

test('all of this was held against the document', () => {
  const operationCount = Object.values(paths).flatMap(byMethod => Object.keys(byMethod)).length;
  assert.ok(openApiCheck.checked >= operationCount + 50, `${openApiCheck.checked} answers were checked`);
});
