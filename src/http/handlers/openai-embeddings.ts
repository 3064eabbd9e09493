/** /v1/embeddings over the native /api/embed, through the npm client. */
import type { Asker } from '../../gateway/asker.ts';
import type { AttemptPlan } from '../../gateway/attempt-plan.ts';
import { type AttemptDeps, withAttempts } from '../../gateway/attempts.ts';
import { type ModelPolicy, type ReadyRequest, readyRequest } from '../../gateway/model-policy.ts';
import { Placing, type PlacingDeps } from '../../gateway/placing.ts';
import { DeciError } from '../../kernel/errors.ts';
import { isObject } from '../../kernel/json.ts';
import { toUpstreamError } from '../../ollama/upstream-error.ts';
import { askerOf, ownTimeMs } from '../asker.ts';
import { parseOpenAiEmbeddingRequest, renderOpenAiEmbeddings } from '../dialects/openai-embeddings.ts';
import { parseJsonBody } from '../json-body.ts';
import type { RequestContext } from '../request-context.ts';
import { sendJson } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import { cachedEmbedding, type EmbeddingCache, embeddingAsked } from './embedding-cache.ts';
import { mayManage, noteQueue, noteUpstream } from './generation-support.ts';
import { refusalOf } from './native-refusal.ts';

interface EmbedRequest {
  readonly model: string;
  input: string[];
  dimensions?: number;
}

interface Embedded {
  readonly embeddings: number[][];
  readonly promptTokens: number;
}

/** What this handler needs of a host. An embedding may have to wait for its model, so its client waits as long. */
export interface EmbeddingHost {
  readonly name: string;
  embed(request: EmbedRequest, signal: AbortSignal): Promise<unknown>;
}

export interface EmbeddingDeps extends PlacingDeps<EmbeddingHost> {
  readonly attempts: AttemptDeps;
  readonly models: ModelPolicy;
}

export function openAiEmbeddings(deps: EmbeddingDeps, cache?: EmbeddingCache): Handler {
  return async context => {
    const plan = parseOpenAiEmbeddingRequest(parseJsonBody(context.body));
    context.model = plan.model;
    const given = { ...plan.request, input: [...plan.request.input] };
    const asking = { path: '/v1/embeddings', request: given, mayManage: mayManage(context) };
    const ready = readyRequest(deps.models, plan.model, asking);
    const asked = embeddingAsked('/v1/embeddings', ready, askerOf(context, 'batch'));
    const answer = await cachedEmbedding(context, cache, asked, async (asker, signal) =>
      Buffer.from(JSON.stringify(await embed(context, deps, { ready, signal, asker }))),
    );
    const { embeddings, promptTokens } = JSON.parse(answer.toString()) as Embedded;
    context.promptTokens = promptTokens;
    sendJson(context, renderOpenAiEmbeddings({ model: plan.model, embeddings, promptTokens }, plan.encodingFormat));
  };
}

/** An embedding leaves nothing behind that a second one could double, so that every failure may be tried again. */
interface Asked {
  readonly ready: ReadyRequest;
  readonly asker: Asker;
  /** Of all who wait for it. */
  readonly signal: AbortSignal;
}

function embed(context: RequestContext, deps: EmbeddingDeps, asked: Asked): Promise<Embedded> {
  const { ready, signal, asker } = asked;
  const { model, retry } = ready;
  const target = {
    model,
    owner: asker.owner,
    body: context.body,
    embeds: true,
    retry,
    timeoutMs: ownTimeMs(context, asker, signal),
  };
  return withAttempts(deps.attempts, target, signal, plan => embedOnce(context, deps, { plan, ...asked }));
}

/** Within one attempt hosts are passed over that cannot be dialled or do not have the model. */
async function embedOnce(
  context: RequestContext,
  deps: EmbeddingDeps,
  { plan, asker, ready, signal }: Asked & { readonly plan: AttemptPlan },
): Promise<Embedded> {
  const { model, hosts } = ready;
  const request = ready.request as unknown as EmbedRequest;
  const wanted = { model, body: request.input.join(' '), hosts, asker };
  const placing = new Placing<EmbeddingHost>(deps, wanted, plan);
  for (;;) {
    const { host, place } = await placing.next(signal);
    noteQueue(context, place.waitedMs);
    const outcome = await embedAt(context, host, { request, signal });
    place.leave(signal.aborted || isTimeout(outcome) ? 'aborted' : undefined);
    if (!(outcome instanceof DeciError)) {
      plan.pass.succeeded();
      return outcome;
    }
    signal.throwIfAborted();
    if (!passedOver.has(outcome.code)) throw outcome;
    placing.passOver(host, outcome);
  }
}

/** Failures after which the next host is asked within the same attempt. */
const passedOver: ReadonlySet<string> = new Set(['upstream_unreachable', 'model_not_found']);

function isTimeout(outcome: unknown): boolean {
  return outcome instanceof DeciError && outcome.code === 'first_token_timeout';
}

async function embedAt(
  context: RequestContext,
  host: EmbeddingHost,
  { request, signal }: { readonly request: EmbedRequest; readonly signal: AbortSignal },
): Promise<Embedded | DeciError> {
  try {
    const answer = readEmbedded(await host.embed(request, signal));
    noteUpstream(context, host.name);
    return answer;
  } catch (thrown) {
    return refusalOf(thrown) ?? failureOf(thrown);
  }
}

function readEmbedded(answer: unknown): Embedded {
  const { embeddings, prompt_eval_count: count } = isObject(answer) ? answer : {};
  const promptTokens = count ?? 0;
  if (!isVectors(embeddings) || !isFiniteNumber(promptTokens)) {
    throw new DeciError('upstream_invalid', { message: 'the model server answered without embeddings' });
  }
  return { embeddings, promptTokens };
}

function isVectors(value: unknown): value is number[][] {
  return Array.isArray(value) && value.every(row => Array.isArray(row) && row.every(isFiniteNumber));
}

/** JSON's 1e999 is a number too. */
function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** What the npm client throws when it was no refusal: it passes on what fetch throws, and what is no JSON fails to parse. */
function failureOf(thrown: unknown): DeciError {
  // fetch wraps what really happened as the cause of a TypeError.
  const cause = thrown instanceof TypeError && thrown.cause !== undefined ? thrown.cause : thrown;
  if (cause instanceof SyntaxError || cause instanceof TypeError) {
    return new DeciError('upstream_invalid', {
      message: 'the model server answered with something else than JSON',
      cause,
    });
  }
  // The ports that browsers block are dialled by nothing that goes through fetch.
  if (cause instanceof Error && cause.message === 'bad port') return new DeciError('upstream_unreachable', { cause });
  const name = cause instanceof Error ? cause.name : '';
  if (name === 'AbortError' || name === 'TimeoutError') return new DeciError('first_token_timeout', { cause });
  return toUpstreamError(cause, false);
}
