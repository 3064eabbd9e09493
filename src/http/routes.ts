/**
 * THE MAP: every path Deci answers, on one screen. Method, path, the dialect of its errors, what body it takes, its handler.
 */
import { anthropicCountTokens, anthropicMessages } from './handlers/anthropic.ts';
import type { GenerationDeps } from './handlers/generation-support.ts';
import { type HealthDeps, health, live, ready, startup } from './handlers/health.ts';
import { nativeGeneration } from './handlers/native-generation.ts';
import { ps, tags, version } from './handlers/native-lists.ts';
import { nativeProgress } from './handlers/native-progress.ts';
import { type RelayDeps, relay } from './handlers/native-relay.ts';
import {
  openAiChat,
  openAiCompletions,
  openAiModel,
  openAiModels,
  type ShowingHost,
  transcriptions,
} from './handlers/openai.ts';
import { type EmbeddingDeps, openAiEmbeddings } from './handlers/openai-embeddings.ts';
import { openAiResponses } from './handlers/openai-responses.ts';
import { sendText } from './respond.ts';
import type { Handler, Route } from './route-table.ts';

export interface RouteDeps {
  readonly lists: { readonly hosts: readonly ShowingHost[] };
  readonly generation: GenerationDeps;
  readonly embedding: EmbeddingDeps;
  /** Relays that wait for a model. */
  readonly inference: RelayDeps;
  /** Relays that answer at once. */
  readonly short: RelayDeps;
  /** Relays that may take hours while they move. */
  readonly transfer: RelayDeps;
  readonly health: HealthDeps;
}

export function createRoutes(deps: RouteDeps): Route[] {
  const { generation, inference, short, transfer } = deps;
  const { hosts } = deps.lists;
  const running: Handler = context => sendText(context, 200, 'Ollama is running');
  return [
    ...ollama('GET HEAD', '/', 'none', running),
    ...ollama('GET HEAD', '/api/version', 'none', version({ hosts })),
    ...ollama('GET HEAD', '/api/tags', 'none', tags({ hosts })),
    ...ollama('GET', '/api/ps', 'none', ps({ hosts })),
    ...ollama('GET', '/api/status', 'none', relay('home', short)),
    ...ollama('POST', '/api/generate', 'inference', nativeGeneration('/api/generate', generation)),
    ...ollama('POST', '/api/chat', 'inference', nativeGeneration('/api/chat', generation)),
    ...ollama('POST', '/api/embed', 'inference', relay('any', inference)),
    ...ollama('POST', '/api/embeddings', 'inference', relay('any', inference)),
    ...ollama('POST', '/api/show', 'json', relay('any', short)),
    ...ollama('POST', '/api/pull', 'json', nativeProgress(transfer)),
    ...ollama('POST', '/api/push', 'json', nativeProgress(transfer)),
    ...ollama('POST', '/api/create', 'inference', nativeProgress(transfer)),
    ...ollama('POST', '/api/copy', 'json', relay('home', short)),
    ...ollama('DELETE', '/api/delete', 'json', relay('home', short)),
    ...ollama('HEAD', '/api/blobs/:digest', 'none', relay('home', short)),
    ...ollama('POST', '/api/blobs/:digest', 'stream', relay('home', transfer)),
    ...ollama('POST', '/api/me', 'json', relay('home', short)),
    ...ollama('POST', '/api/signout', 'json', relay('home', short)),
    ...ollama('DELETE', '/api/user/keys/:encodedKey', 'none', relay('home', short)),
    ...ollama('POST', '/api/experimental/web_search', 'json', relay('home', short)),
    ...ollama('POST', '/api/experimental/web_fetch', 'json', relay('home', short)),
    ...ollama('GET', '/api/experimental/model-recommendations', 'none', relay('home', short)),

    route('openai', 'POST', '/v1/chat/completions', 'inference', openAiChat(generation)),
    route('openai', 'POST', '/v1/completions', 'inference', openAiCompletions(generation)),
    route('openai', 'POST', '/v1/embeddings', 'inference', openAiEmbeddings(deps.embedding)),
    route('openai', 'GET', '/v1/models', 'none', openAiModels({ hosts })),
    route('openai', 'GET', '/v1/models/*model', 'none', openAiModel({ hosts })),
    route('openai', 'POST', '/v1/responses', 'inference', openAiResponses(generation)),
    route('openai', 'POST', '/v1/audio/transcriptions', 'upload', transcriptions(generation)),

    route('anthropic', 'POST', '/v1/messages', 'inference', anthropicMessages(generation)),
    route('anthropic', 'POST', '/v1/messages/count_tokens', 'inference', anthropicCountTokens),

    ...['/api/health', '/health', '/api/v2/health'].flatMap(path => ours(path, health(deps.health))),
    ...['/api/health/live', '/api/v2/health/live'].flatMap(path => ours(path, live)),
    ...['/api/health/ready', '/api/v2/health/ready'].flatMap(path => ours(path, ready(deps.health))),
    ...['/api/health/startup', '/api/v2/health/startup'].flatMap(path => ours(path, startup(deps.health))),
  ];
}

type Body = Route['body'];

function ollama(methods: 'GET HEAD' | Route['method'], path: string, body: Body, handler: Handler): Route[] {
  return methods.split(' ').map(method => route('ollama', method as Route['method'], path, body, handler));
}

/** Monitors ask by HEAD as well. */
function ours(path: string, handler: Handler): Route[] {
  return [route('problem', 'GET', path, 'none', handler), route('problem', 'HEAD', path, 'none', handler)];
}

// Five columns of one table: an object for each would only hide that.
// oxlint-disable-next-line max-params
function route(dialect: Route['dialect'], method: Route['method'], path: string, body: Body, handler: Handler): Route {
  return { dialect, method, path, body, handler };
}
