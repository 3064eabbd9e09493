import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Response as ExpressResponse, Request } from 'express';
import { toDeciError } from '../../kernel/errors.ts';
import { RequestContext } from '../request-context.ts';
import { sendError } from '../respond.ts';
import { openApiDocument } from './openapi-document.ts';

async function serve(t: TestContext, read: () => Promise<Buffer>): Promise<string> {
  const handler = openApiDocument({ read });
  const server = createServer((req, res) => {
    const context = new RequestContext('req_1', req as Request, res as unknown as ExpressResponse);
    void (async () => {
      try {
        await handler(context);
      } catch (error) {
        sendError(context, toDeciError(error));
      }
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test('the document is read once, when it is first asked for, and sent with its length', async t => {
  let reads = 0;
  const url = await serve(t, async () => {
    reads += 1;
    return Buffer.from('{"openapi":"ü"}');
  });
  assert.equal(reads, 0);
  const answers = await Promise.all([fetch(url), fetch(url)]);
  const [first] = answers;
  assert.deepEqual(
    [first?.status, first?.headers.get('content-type'), first?.headers.get('content-length')],
    [200, 'application/json; charset=utf-8', '16'],
  );
  for (const answer of answers) assert.equal(await answer.text(), '{"openapi":"ü"}');
  assert.equal(reads, 1);
});

test('a read that failed is tried again for the next one who asks', async t => {
  let reads = 0;
  const url = await serve(t, async () => {
    reads += 1;
    if (reads === 1) throw new Error('no such file');
    return Buffer.from('{}');
  });
  const statuses: number[] = [];
  for (let i = 0; i < 2; i++) {
    const answer = await fetch(url);
    await answer.text();
    statuses.push(answer.status);
  }
  assert.deepEqual(statuses, [500, 200]);
});
