/**
 * /api/embed and /api/embeddings: one JSON object each, given on as it comes, and kept; but only once it is all there: an
 * embedding leaves nothing behind, so that whatever fails before may be tried again.
 */
import { assertAnswerSize } from '../../gateway/answer-limit.ts';
import type { Asker } from '../../gateway/asker.ts';
import { type AttemptDeps, withAttempts } from '../../gateway/attempts.ts';
import { type ModelPolicy, type ReadyRequest, readyRequest } from '../../gateway/model-policy.ts';
import { openPlaced, type PlacedDeps } from '../../gateway/pipeline.ts';
import { renameObject } from '../../gateway/rename-object.ts';
import { DeciError } from '../../kernel/errors.ts';
import { parseObject } from '../../kernel/json.ts';
import type { UpstreamExchange } from '../../ollama/upstream-exchange.ts';
import { askerOf, ownTimeMs } from '../asker.ts';
import { withCanonicalKeys } from '../json-body.ts';
import type { RequestContext } from '../request-context.ts';
import { sendBody } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import { cachedEmbedding, type EmbeddingAsked, type EmbeddingCache, embeddingAsked } from './embedding-cache.ts';
import { mayManage, noteQueue, noteUpstream } from './generation-support.ts';
import { upstreamRequest } from './native-relay.ts';

export interface EmbeddingRouteDeps extends PlacedDeps {
  readonly attempts: AttemptDeps;
  readonly models: ModelPolicy;
}

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
    const asked = embeddingAsked(path, ready, askerOf(context, 'batch'));
    const answer = await cachedEmbedding(context, cache, asked, (asker, signal) =>
      ask(context, deps, { ready, signal, asker }),
    );
    const named = ready.rename === undefined ? answer : renameObject(answer.toString(), ready.rename);
    sendBody(context, 200, 'application/json; charset=utf-8', named);
  };
}

interface Asked {
  readonly ready: ReadyRequest;
  readonly asker: Asker;
  /** Of all who wait for it. */
  readonly signal: AbortSignal;
}

function ask(context: RequestContext, deps: EmbeddingRouteDeps, { ready, signal, asker }: Asked): Promise<Buffer> {
  const { model, hosts, retry, isChanged, request } = ready;
  const body = isChanged ? Buffer.from(JSON.stringify(request)) : context.body;
  const sent = upstreamRequest(context);
  const placed = {
    request: { ...sent, model, body: isChanged ? body : sent.body },
    wanted: { model, body, hosts, asker },
  };
  const target = { model, owner: asker.owner, body, embeds: true, retry, timeoutMs: ownTimeMs(context, asker, signal) };
  return withAttempts(deps.attempts, target, signal, async plan => {
    const { attempt, place } = await openPlaced(deps, { ...placed, plan }, signal);
    noteUpstream(context, attempt.host.name);
    noteQueue(context, place.waitedMs);
    const whole = await readWhole(attempt.exchange);
    plan.pass.succeeded();
    return whole;
  });
}

async function readWhole(exchange: UpstreamExchange): Promise<Buffer> {
  const type = exchange.headers['content-type'];
  if (typeof type !== 'string' || !/^application\/json\b/i.test(type)) {
    const error = new DeciError('upstream_invalid', {
      message: 'the model server answered with something else than JSON',
    });
    exchange.abort(error);
    throw error;
  }
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of exchange) {
    bytes += part.length;
    assertAnswerSize(bytes);
    parts.push(part);
  }
  const whole = Buffer.concat(parts, bytes);
  if (!looksWhole(whole)) {
    throw new DeciError('upstream_invalid', { message: 'the model server answered without embeddings' });
  }
  return whole;
}

/** Without parsing thousands of numbers: an object from its first byte to its last, which names embeddings. */
function looksWhole(answer: Buffer): boolean {
  const end = answer.at(-1) === lineFeed ? answer.length - 2 : answer.length - 1;
  return answer[0] === openBrace && answer[end] === closeBrace && answer.includes('"embedding');
}
