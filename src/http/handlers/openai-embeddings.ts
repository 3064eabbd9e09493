/** /v1/embeddings over the native /api/embed, through the npm client. */
import type { Admission, Wanted } from '../../gateway/pipeline.ts';
import { DeciError } from '../../kernel/errors.ts';
import { isObject } from '../../kernel/json.ts';
import { modelKey } from '../../ollama/model-key.ts';
import { toUpstreamError } from '../../ollama/upstream-error.ts';
import { parseOpenAiEmbeddingRequest, renderOpenAiEmbeddings } from '../dialects/openai-embeddings.ts';
import { parseJsonBody } from '../json-body.ts';
import type { RequestContext } from '../request-context.ts';
import { sendJson } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import { noteQueue, noteUpstream } from './generation-support.ts';
import { refusalOf } from './native-refusal.ts';

interface EmbedRequest {
  readonly model: string;
  input: string[];
  dimensions?: number;
}

/** Failures after which the next host is asked; the later ones say more. */
const passedOver: readonly string[] = ['upstream_unreachable', 'upstream_broken', 'model_not_found'];

interface Embedded {
  readonly embeddings: number[][];
  readonly promptTokens: number;
}

/** What this handler needs of a host. An embedding may have to wait for its model, so its client waits as long. */
export interface EmbeddingHost {
  readonly name: string;
  embed(request: EmbedRequest, signal: AbortSignal): Promise<unknown>;
}

export interface EmbeddingDeps {
  readonly hosts: {
    candidates(wanted: Wanted, tried: ReadonlySet<string>): readonly EmbeddingHost[];
    nobody(tried: readonly string[]): DeciError;
  };
  readonly admission: Admission;
}

export function openAiEmbeddings(deps: EmbeddingDeps): Handler {
  return async context => {
    const plan = parseOpenAiEmbeddingRequest(parseJsonBody(context.body));
    context.model = plan.model;
    const answer = await embed(context, deps, { ...plan.request, input: [...plan.request.input] });
    const { embeddings, promptTokens } = answer;
    context.promptTokens = promptTokens;
    sendJson(context, renderOpenAiEmbeddings({ model: plan.model, embeddings, promptTokens }, plan.encodingFormat));
  };
}

/**
 * Another host is asked when one cannot be dialled, breaks, or does not have the model: an embedding leaves nothing behind
 * that a second one could double. A host that answered counts more than one that did not.
 */
async function embed(context: RequestContext, deps: EmbeddingDeps, request: EmbedRequest): Promise<Embedded> {
  const { hosts, admission } = deps;
  const wanted = { model: request.model, body: '' };
  const tried = new Set<string>();
  let candidates: readonly EmbeddingHost[] = [];
  let worst: DeciError | undefined;
  const left = (): string[] => {
    candidates = hosts.candidates(wanted, tried);
    if (candidates.length === 0) throw worst ?? hosts.nobody([...tried]);
    return candidates.map(host => host.name);
  };
  const model = modelKey(request.model);
  for (;;) {
    const group = `embed ${model} not ${[...tried].join(' ')}`;
    const place = await admission.enter({ model, group, hosts: left }, context.signal);
    noteQueue(context, place.waitedMs);
    const outcome = await embedAt(
      context,
      candidates.find(host => host.name === place.host),
      request,
    );
    place.leave(context.signal.aborted || isTimeout(outcome) ? 'aborted' : undefined);
    if (!(outcome instanceof DeciError)) return outcome;
    context.throwIfAborted();
    const severity = passedOver.indexOf(outcome.code);
    if (severity === -1) throw outcome;
    // That none can be dialled is told of all of them at once.
    if (severity > passedOver.indexOf(worst?.code ?? 'upstream_unreachable')) worst = outcome;
    tried.add(place.host);
  }
}

function isTimeout(outcome: unknown): boolean {
  return outcome instanceof DeciError && outcome.code === 'first_token_timeout';
}

async function embedAt(
  context: RequestContext,
  host: EmbeddingHost | undefined,
  request: EmbedRequest,
): Promise<Embedded | DeciError> {
  if (host === undefined) return new DeciError('upstream_unreachable');
  try {
    const answer = readEmbedded(await host.embed(request, context.signal));
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
