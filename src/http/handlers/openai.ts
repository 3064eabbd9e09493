/** OpenAI's routes, rendered from Ollama's native API. */
import { toDeciError } from '../../kernel/errors.ts';
import { OpenAiChatRenderer, renderOpenAiChat } from '../dialects/openai-chat-render.ts';
import { parseOpenAiChatRequest } from '../dialects/openai-chat-request.ts';
import {
  OpenAiCompletionRenderer,
  parseOpenAiCompletionRequest,
  renderOpenAiCompletion,
} from '../dialects/openai-completions.ts';
import { renderOpenAiModel, renderOpenAiModels } from '../dialects/openai-models.ts';
import { impliedOptions } from '../dialects/openai-options.ts';
import { parseTranscriptionRequest, renderTranscription } from '../dialects/transcription.ts';
import { parseJsonBody } from '../json-body.ts';
import { sendBody, sendJson } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import type { GenerationDeps } from './generation-support.ts';
import { type ListedHost, mergedTags, type NamedListDeps, unreachable } from './native-lists.ts';
import { refusalOf } from './native-refusal.ts';
import { collectTranslated, streamTranslated, type Translation } from './translated-generation.ts';
import { type VirtualListDeps, withVirtualRows } from './virtual-lists.ts';

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

export function openAiChat(deps: GenerationDeps): Handler {
  return async context => {
    const body = parseJsonBody(context.body);
    const plan = parseOpenAiChatRequest(body);
    const id = `chatcmpl-${context.id}`;
    const translation: Translation = { path: '/api/chat', id, implied: impliedOptions(body), ...plan };
    const options = { id, model: plan.model, createdSeconds: nowSeconds() };
    if (plan.stream) {
      const { includeUsage, n: choices } = plan;
      await streamTranslated(context, deps, translation, new OpenAiChatRenderer({ ...options, includeUsage, choices }));
      return;
    }
    sendJson(context, renderOpenAiChat(options, await collectTranslated(context, deps, translation)));
  };
}

export function openAiCompletions(deps: GenerationDeps): Handler {
  return async context => {
    const body = parseJsonBody(context.body);
    const plan = parseOpenAiCompletionRequest(body);
    const id = `cmpl-${context.id}`;
    const { model, stream, includeUsage } = plan;
    const implied = impliedOptions(body);
    const translation: Translation = { path: '/api/generate', id, model, stream, requests: [plan.request], implied };
    const options = { id, model, createdSeconds: nowSeconds() };
    if (stream) {
      await streamTranslated(context, deps, translation, new OpenAiCompletionRenderer({ ...options, includeUsage }));
      return;
    }
    const [answer] = await collectTranslated(context, deps, translation);
    if (answer !== undefined) sendJson(context, renderOpenAiCompletion(options, answer));
  };
}

export function transcriptions(deps: GenerationDeps): Handler {
  return async context => {
    const plan = parseTranscriptionRequest(context.body, context.req.headers['content-type']);
    const { model, request } = plan;
    const [answer] = await collectTranslated(context, deps, {
      path: '/api/chat',
      id: context.id,
      model,
      stream: false,
      requests: [request],
    });
    if (answer === undefined) return;
    const { contentType, body } = renderTranscription(plan, answer);
    sendBody(context, 200, contentType, body);
  };
}

export function openAiModels({ hosts, virtual }: NamedListDeps): Handler {
  return async context => {
    const models = withVirtualRows(await mergedTags(hosts, context), virtual);
    // The client's types call it a Date; on the wire, and so here, it is a text.
    sendJson(
      context,
      renderOpenAiModels(
        models.map(({ name, modified_at, deci }) => ({ name, modified_at: String(modified_at), deci })),
      ),
    );
  };
}

export interface ShowingHost extends ListedHost {
  readonly client: ListedHost['client'] & {
    show(request: { model: string }): Promise<{ readonly modified_at: unknown }>;
  };
}

interface ShowDeps {
  readonly hosts: readonly ShowingHost[];
  readonly virtual: Pick<VirtualListDeps, 'find'>;
}

/** The id may hold slashes: `hf.co/user/repo:tag` is one model. */
export function openAiModel({ hosts, virtual }: ShowDeps): Handler {
  return async context => {
    const model = context.params['model'] ?? '';
    const behind = virtual.find(model)?.base ?? model;
    let failure = unreachable(hosts);
    for (const host of hosts) {
      try {
        const shown = await host.client.show({ model: behind });
        sendJson(context, renderOpenAiModel({ model, modified_at: String(shown.modified_at) }));
        return;
      } catch (thrown) {
        failure = refusalOf(thrown) ?? (failure.code === 'model_not_found' ? failure : unreachable(hosts));
      }
    }
    throw toDeciError(failure);
  };
}
