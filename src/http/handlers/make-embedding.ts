/**
 * Has embeddings made by a host: one JSON object, given on only once it is all there. An embedding leaves nothing behind, so
 * that whatever fails before may be tried again.
 */
import { assertAnswerSize } from '../../gateway/answer-limit.ts';
import { type AttemptDeps, withAttempts } from '../../gateway/attempts.ts';
import type { ModelPolicy, ReadyRequest } from '../../gateway/model-policy.ts';
import { openPlaced, type PlacedDeps } from '../../gateway/pipeline.ts';
import { DeciError } from '../../kernel/errors.ts';
import type { UpstreamExchange } from '../../ollama/upstream-exchange.ts';
import type { UpstreamRequest } from '../../ollama/upstream-host.ts';
import { ownTimeMs } from '../asker.ts';
import type { RequestContext } from '../request-context.ts';
import type { EmbeddingWanted } from './embedding-cache.ts';
import { noteQueue, noteUpstream } from './generation-support.ts';

export interface EmbeddingRouteDeps extends PlacedDeps {
  readonly attempts: AttemptDeps;
  readonly models: ModelPolicy;
}

export interface EmbeddingRequest {
  readonly ready: ReadyRequest;
  readonly sent: UpstreamRequest & { readonly body: Buffer | string | null };
  /** @throws DeciError `upstream_invalid` for what is none */
  readonly check: (answer: Buffer) => void;
}

/** @param signal of all who wait for it @throws DeciError */
export function makeEmbedding(
  context: RequestContext,
  deps: EmbeddingRouteDeps,
  { ready, sent, check, asker, question }: EmbeddingRequest & EmbeddingWanted,
  signal: AbortSignal,
): Promise<Buffer> {
  const { model, hosts, retry } = ready;
  const request = { ...sent, model };
  const body = sent.body ?? '';
  const wanted = { model, body, hosts, asker };
  const timeoutMs = ownTimeMs(context, asker, signal);
  const target = { model, owner: asker.owner, body, embeds: true, retry, timeoutMs, question };
  return withAttempts(deps.attempts, target, signal, async plan => {
    const { attempt, place } = await openPlaced(deps, { request, wanted, plan }, signal);
    noteUpstream(context, attempt.host.name);
    noteQueue(context, place.waitedMs);
    const whole = await readWhole(attempt.exchange);
    check(whole);
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
  return Buffer.concat(parts, bytes);
}
