/** Anthropic's routes, rendered from Ollama's native API. */
import { countAnthropicTokens, estimateInputTokens } from '../dialects/anthropic-count-tokens.ts';
import { AnthropicRenderer, renderAnthropicMessage } from '../dialects/anthropic-render.ts';
import { parseAnthropicRequest } from '../dialects/anthropic-request.ts';
import { withoutRefusedThinking } from '../dialects/anthropic-thinking.ts';
import { parseJsonBody } from '../json-body.ts';
import { sendJson } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import type { GenerationDeps } from './generation-support.ts';
import { collectTranslated, streamTranslated, type Translation } from './translated-generation.ts';

export function anthropicMessages(deps: GenerationDeps): Handler {
  return async context => {
    const { model, stream, forced, request } = parseAnthropicRequest(parseJsonBody(context.body));
    const id = `msg_${context.id}`;
    const translation: Translation = {
      path: '/api/chat',
      id,
      model,
      stream,
      forced,
      requests: [request],
      instead: refused => withoutRefusedThinking(request, refused),
    };
    // Anthropic's clients read the id of a request from this header.
    context.headers.push('request-id', context.id);
    if (stream) {
      const estimatedInputTokens = estimateInputTokens(request);
      await streamTranslated(context, deps, translation, new AnthropicRenderer({ id, model, estimatedInputTokens }));
      return;
    }
    const [answer] = await collectTranslated(context, deps, translation);
    if (answer !== undefined) sendJson(context, renderAnthropicMessage({ id, model }, answer));
  };
}

/** An estimate: Ollama has no way to count without generating. The header says so. */
export const anthropicCountTokens: Handler = context => {
  const count = countAnthropicTokens(parseJsonBody(context.body));
  context.headers.push('X-Deci-Estimate', 'true');
  sendJson(context, count);
};
