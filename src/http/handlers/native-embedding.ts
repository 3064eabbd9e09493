/** /api/embed and /api/embeddings: one JSON object each, given on as it comes, and kept. */
import { readyRequest } from '../../gateway/model-policy.ts';
import { renameObject } from '../../gateway/rename-object.ts';
import { DeciError } from '../../kernel/errors.ts';
import { parseObject } from '../../kernel/json.ts';
import { askerOf } from '../asker.ts';
import { withCanonicalKeys } from '../json-body.ts';
import { sendBody } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import { cachedEmbedding, type EmbeddingAsked, type EmbeddingCache, embeddingAsked } from './embedding-cache.ts';
import { mayManage } from './generation-support.ts';
import { type EmbeddingRouteDeps, makeEmbedding } from './make-embedding.ts';
import { upstreamRequest } from './native-relay.ts';

const decidingKeys = new Set(['model']);
const openBrace = 123;
const closeBrace = 125;
const lineFeed = 10;

export function nativeEmbedding(
  path: EmbeddingAsked['path'],
  deps: EmbeddingRouteDeps,
  cache: EmbeddingCache,
): Handler {
  return async context => {
    context.invite();
    // What is no JSON is refused by Ollama, in its own words.
    const given = withCanonicalKeys(parseObject(context.body.toString()) ?? {}, decidingKeys);
    const name = typeof given['model'] === 'string' ? given['model'] : '';
    context.model = name;
    const ready = readyRequest(deps.models, name, {
      path,
      request: given,
      body: context.body,
      mayManage: mayManage(context),
    });
    const asked = embeddingAsked(path, ready, askerOf(context));
    const received = upstreamRequest(context);
    const body = ready.isChanged ? JSON.stringify(ready.request) : context.body.length > 0 ? context.body : null;
    const request = { ready, sent: { ...received, body }, check: assertWhole };
    const answer = await cachedEmbedding(context, cache, asked, (wanted, signal) =>
      makeEmbedding(context, deps, { ...request, ...wanted }, signal),
    );
    const named = ready.rename === undefined ? answer : renameObject(answer.toString(), ready.rename);
    sendBody(context, 200, 'application/json; charset=utf-8', named);
  };
}

/** Without parsing thousands of numbers: an object from its first byte to its last, which names embeddings. */
function assertWhole(answer: Buffer): void {
  const end = answer.at(-1) === lineFeed ? answer.length - 2 : answer.length - 1;
  if (answer[0] === openBrace && answer[end] === closeBrace && answer.includes('"embedding')) return;
  throw new DeciError('upstream_invalid', { message: 'the model server answered without embeddings' });
}
