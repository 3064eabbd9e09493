import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Request, Response } from 'express';
import { attemptDeps, freeAdmission } from '../../../test/support/attempt-deps.ts';
import { modelPolicy } from '../../../test/support/model-policy.ts';
import { Authenticator } from '../../auth/authenticator.ts';
import { DeciError } from '../../kernel/errors.ts';
import { RequestContext } from '../request-context.ts';
import { openAiEmbeddings } from './openai-embeddings.ts';

/** Asks hosts of which each answers with a value, or throws an error. */
async function ask(...hosts: unknown[]): Promise<string> {
  let sent = '';
  const res = { writeHead: () => res, end: (body: unknown) => void (sent = String(body)) };
  const context = new RequestContext(
    'req_1',
    { url: '/', method: 'POST', headers: {} } as Request,
    res as unknown as Response,
  );
  context.principal = new Authenticator({ adminKey: `deci_${'0'.repeat(64)}`, anonymousRole: 'executor' }).authenticate(
    undefined,
  );
  context.body = Buffer.from('{"model":"m","input":"x"}');
  const candidates = hosts.map((host, index) => ({
    name: `h${index}`,
    embed: async () => {
      if (host instanceof Error) throw host;
      return host;
    },
  }));
  await openAiEmbeddings({
    hosts: {
      candidates: (_, tried) => candidates.filter(({ name }) => tried?.includes(name) !== true),
      nobody: tried => new DeciError('upstream_unreachable', { message: `(tried ${tried.join(', ')})` }),
    },
    admission: freeAdmission,
    attempts: attemptDeps(candidates.map(({ name }) => name)),
    models: modelPolicy(),
  })(context);
  return sent;
}

const fetchFailed = (cause: Error): TypeError => new TypeError('fetch failed', { cause });
const withCode = (code: string): Error => Object.assign(new Error(code), { code });
const named = (name: string): Error => Object.assign(new Error(name), { name });
const missing = Object.assign(new Error('model "m" not found'), { status_code: 404 });

test('vectors are answered, whether or not they were counted', async () => {
  assert.match(await ask({ embeddings: [[1, 2]], prompt_eval_count: 3 }), /"embedding":\[1,2\].*"prompt_tokens":3/);
  assert.match(await ask({ embeddings: [[1]], prompt_eval_count: null }), /"prompt_tokens":0/);
});

test('an answer without vectors is `upstream_invalid`', async () => {
  for (const embeddings of [undefined, null, 'x', {}, [1], [null], [['1']], [[null]], [[1], [Infinity]]]) {
    await assert.rejects(ask({ embeddings }), { name: 'DeciError', code: 'upstream_invalid' });
  }
  await assert.rejects(ask(null), { code: 'upstream_invalid' });
  await assert.rejects(ask({ embeddings: [[1]], prompt_eval_count: '3' }), { code: 'upstream_invalid' });
});

test('an answer that is not JSON is `upstream_invalid`', async () => {
  await assert.rejects(ask(new SyntaxError('Unexpected token <')), { code: 'upstream_invalid' });
});

test('a time-out is told as one, not as a host that cannot be reached', async () => {
  for (const thrown of [new DeciError('first_token_timeout'), named('AbortError'), named('TimeoutError')]) {
    await assert.rejects(ask(thrown), { code: 'first_token_timeout' });
    await assert.rejects(ask(fetchFailed(thrown)), { code: 'first_token_timeout' });
  }
});

test('a connection that broke is told as one', async () => {
  await assert.rejects(ask(fetchFailed(withCode('UND_ERR_SOCKET'))), { code: 'upstream_broken' });
  await assert.rejects(ask(fetchFailed(withCode('ECONNRESET')), fetchFailed(withCode('ECONNREFUSED'))), {
    code: 'upstream_broken',
  });
});

test('only hosts that cannot be dialled are unreachable, and all of them are named', async () => {
  const refused = fetchFailed(withCode('ECONNREFUSED'));
  await assert.rejects(ask(refused, refused), { code: 'upstream_unreachable', message: /\(tried h0, h1\)/ });
  await assert.rejects(ask(fetchFailed(new Error('bad port'))), { code: 'upstream_unreachable' });
  await assert.rejects(ask(missing, refused), { code: 'model_not_found' });
});

test('the next host is asked when one is gone, breaks or lacks the model', async () => {
  for (const failure of [fetchFailed(withCode('ECONNREFUSED')), fetchFailed(withCode('ECONNRESET')), missing]) {
    assert.match(await ask(failure, { embeddings: [[1]] }), /"embedding":\[1\]/);
  }
});
