/**
 * /api/embed and /api/embeddings: passed on as they are, answer and all, but only once the whole answer is there: an embedding
 * leaves nothing behind, so that whatever fails before may be tried again.
 */
import { assertAnswerSize } from '../../gateway/answer-limit.ts';
import { type AttemptDeps, withAttempts } from '../../gateway/attempts.ts';
import { openPlaced, type PlacedDeps } from '../../gateway/pipeline.ts';
import { DeciError } from '../../kernel/errors.ts';
import type { Attempt } from '../../ollama/ollama-pool.ts';
import { readJsonBody, withCanonicalKeys } from '../json-body.ts';
import { sendBody } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import { noteQueue, noteUpstream } from './generation-support.ts';
import { upstreamRequest } from './native-relay.ts';

export interface EmbedRelayDeps extends PlacedDeps {
  readonly attempts: AttemptDeps;
}

/** What is no request at all is refused in the words of the host. */
export function relayEmbedding(deps: EmbedRelayDeps): Handler {
  return async context => {
    context.invite();
    const { body, signal } = context;
    const model = modelOf(body);
    context.model = model;
    const placed = { request: { ...upstreamRequest(context), model }, wanted: { model, body } };
    const answer = await withAttempts(deps.attempts, { model, embeds: true }, signal, async plan => {
      const { attempt, place } = await openPlaced(deps, { ...placed, plan }, signal);
      noteUpstream(context, attempt.host.name);
      noteQueue(context, place.waitedMs);
      const whole = await readWhole(attempt);
      plan.pass.succeeded();
      return whole;
    });
    sendBody(context, 200, 'application/json; charset=utf-8', answer);
  };
}

const modelMember = new Set(['model']);

function modelOf(body: Buffer): string {
  try {
    const model = withCanonicalKeys(readJsonBody(body).value, modelMember)['model'];
    return typeof model === 'string' ? model : '';
  } catch {
    return '';
  }
}

async function readWhole({ exchange }: Attempt): Promise<Buffer> {
  const type = exchange.headers['content-type'];
  if (typeof type !== 'string' || !/^application\/json\b/i.test(type)) {
    const error = new DeciError('upstream_invalid', {
      message: 'the model server answered with something else than JSON',
    });
    exchange.abort(error);
    throw error;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of exchange) {
    bytes += chunk.length;
    assertAnswerSize(bytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}
