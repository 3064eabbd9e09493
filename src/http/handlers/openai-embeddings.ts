/** /v1/embeddings over the native /api/embed, through the npm client. */
import { parseOpenAiEmbeddingRequest, renderOpenAiEmbeddings } from '../dialects/openai-embeddings.ts';
import { parseJsonBody } from '../json-body.ts';
import type { RequestContext } from '../request-context.ts';
import { sendJson } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import { noteUpstream } from './generation-support.ts';
import { unreachable } from './native-lists.ts';
import { refusalOf } from './native-refusal.ts';

interface EmbedRequest {
  readonly model: string;
  input: string[];
  dimensions?: number;
}

interface EmbedResponse {
  readonly embeddings: number[][];
  readonly prompt_eval_count?: number;
}

/** What this handler needs of a host. An embedding may have to wait for its model, so its client waits as long. */
export interface EmbeddingHost {
  readonly name: string;
  embed(request: EmbedRequest, signal: AbortSignal): Promise<EmbedResponse>;
}

export interface EmbeddingDeps {
  candidates(): readonly EmbeddingHost[];
}

export function openAiEmbeddings(deps: EmbeddingDeps): Handler {
  return async context => {
    const plan = parseOpenAiEmbeddingRequest(parseJsonBody(context.body));
    context.model = plan.model;
    const answer = await embed(context, deps, { ...plan.request, input: [...plan.request.input] });
    const promptTokens = answer.prompt_eval_count ?? 0;
    context.promptTokens = promptTokens;
    const { embeddings } = answer;
    sendJson(context, renderOpenAiEmbeddings({ model: plan.model, embeddings, promptTokens }, plan.encodingFormat));
  };
}

async function embed(context: RequestContext, deps: EmbeddingDeps, request: EmbedRequest): Promise<EmbedResponse> {
  const candidates = deps.candidates();
  let failure = unreachable(candidates);
  for (const host of candidates) {
    try {
      const answer = await host.embed(request, context.signal);
      noteUpstream(context, host.name);
      return answer;
    } catch (thrown) {
      context.throwIfAborted();
      const refusal = refusalOf(thrown);
      if (refusal !== undefined && refusal.code !== 'model_not_found') throw refusal;
      if (refusal !== undefined) failure = refusal;
    }
  }
  throw failure;
}
