/** /v1/embeddings over the native /api/embed: what is made and kept is the native answer, which both routes share. */
import { readyRequest } from '../../gateway/model-policy.ts';
import { askerOf } from '../asker.ts';
import { parseOpenAiEmbeddingRequest, readEmbedded, renderOpenAiEmbeddings } from '../dialects/openai-embeddings.ts';
import { parseJsonBody } from '../json-body.ts';
import { sendJson } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import { cachedEmbedding, type EmbeddingCache, embeddingAsked } from './embedding-cache.ts';
import { mayManage } from './generation-support.ts';
import { type EmbeddingRouteDeps, makeEmbedding } from './make-embedding.ts';

const path = '/api/embed';
const headers = { 'content-type': 'application/json' } as const;

export function openAiEmbeddings(deps: EmbeddingRouteDeps, cache?: EmbeddingCache): Handler {
  return async context => {
    const plan = parseOpenAiEmbeddingRequest(parseJsonBody(context.body));
    context.model = plan.model;
    const given = { ...plan.request, input: [...plan.request.input] };
    const ready = readyRequest(deps.models, plan.model, { path, request: given, mayManage: mayManage(context) });
    const asked = embeddingAsked(path, ready, askerOf(context));
    const sent = { method: 'POST', path, headers, body: JSON.stringify(ready.request) } as const;
    const request = { ready, sent, check: readEmbedded };
    const answer = await cachedEmbedding(context, cache, asked, (wanted, signal) =>
      makeEmbedding(context, deps, { ...request, ...wanted }, signal),
    );
    const { embeddings, promptTokens } = readEmbedded(answer);
    context.promptTokens = promptTokens;
    sendJson(context, renderOpenAiEmbeddings({ model: plan.model, embeddings, promptTokens }, plan.encodingFormat));
  };
}
