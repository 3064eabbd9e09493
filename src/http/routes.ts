/**
 * THE MAP: every path Deci answers, on one screen: what kind of route it is (who may call it, in which dialect, with what
 * body and limits), method, path, handler. What goes in and out of each stands in schemas/.
 */
import { anthropicCountTokens, anthropicMessages } from './handlers/anthropic.ts';
import { type BreakersDeps, listBreakers, resetBreaker } from './handlers/breakers.ts';
import { type CacheAdminDeps, cacheStats, purgeCache } from './handlers/cache.ts';
import type { EmbeddingCache } from './handlers/embedding-cache.ts';
import type { GenerationDeps } from './handlers/generation-support.ts';
import { type HealersDeps, listHealers, setHealer } from './handlers/healers.ts';
import { type HealthDeps, health, live, ready, startup } from './handlers/health.ts';
import { drainHost, type HostsDeps, listHosts } from './handlers/hosts.ts';
import { journalPage } from './handlers/journal.ts';
import type { EmbeddingRouteDeps } from './handlers/make-embedding.ts';
import { type MetricsDeps, metrics } from './handlers/metrics.ts';
import { nativeEmbedding } from './handlers/native-embedding.ts';
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
import { openAiEmbeddings } from './handlers/openai-embeddings.ts';
import { openAiResponses } from './handlers/openai-responses.ts';
import { type OpenApiDeps, openApiDocument } from './handlers/openapi-document.ts';
import { listQueue, type QueueDeps } from './handlers/queue.ts';
import { type RecycleDeps, showRecycle, startRecycle } from './handlers/recycle.ts';
import { showing, type VirtualListDeps } from './handlers/virtual-lists.ts';
import {
  createVirtualModel,
  deleteVirtualModel,
  listVirtualModels,
  putVirtualModel,
  showVirtualModel,
  type VirtualModelsDeps,
} from './handlers/virtual-models.ts';
import { sendText } from './respond.ts';
import {
  administer,
  edit,
  embed,
  infer,
  look,
  manage,
  operate,
  probe,
  type RouteKind,
  read,
  search,
  transferModel,
} from './route-kinds.ts';
import type { Handler, Route } from './route-table.ts';

export interface RouteDeps {
  readonly lists: { readonly hosts: readonly ShowingHost[]; readonly virtual: VirtualListDeps };
  readonly generation: GenerationDeps;
  /** Relays that wait for a model, and for a slot of it. */
  readonly inference: EmbeddingRouteDeps;
  /** Relays that answer at once. */
  readonly short: RelayDeps;
  /** Relays that may take hours while they move. */
  readonly transfer: RelayDeps;
  readonly health: HealthDeps;
  readonly openApi: OpenApiDeps;
  readonly metrics: MetricsDeps;
  readonly healers: HealersDeps;
  readonly hosts: HostsDeps;
  readonly breakers: BreakersDeps;
  readonly queue: QueueDeps;
  readonly recycle: RecycleDeps;
  readonly virtualModels: VirtualModelsDeps;
  readonly cacheAdmin: CacheAdminDeps;
  readonly embeddingCache: EmbeddingCache;
}

export function createRoutes(deps: RouteDeps): Route[] {
  const { generation, inference, short, transfer } = deps;
  const { hosts, virtual } = deps.lists;
  const { embeddingCache: vectors } = deps;
  const running: Handler = context => sendText(context, 200, 'Ollama is running');
  return [
    ...on(probe('ollama'), 'GET HEAD', '/', running),
    ...on(read('ollama'), 'GET HEAD', '/api/version', version({ hosts })),
    ...on(read('ollama'), 'GET HEAD', '/api/tags', tags({ hosts, virtual })),
    ...on(read('ollama'), 'GET', '/api/ps', ps({ hosts })),
    ...on(read('ollama'), 'GET', '/api/status', relay('home', short)),
    ...on(read('ollama', 'json'), 'POST', '/api/show', showing(virtual, relay('any', short))),
    ...on(read('ollama'), 'GET', '/api/experimental/model-recommendations', relay('home', short)),

    ...on(infer('ollama'), 'POST', '/api/generate', nativeGeneration('/api/generate', generation)),
    ...on(infer('ollama'), 'POST', '/api/chat', nativeGeneration('/api/chat', generation)),
    ...on(embed('ollama'), 'POST', '/api/embed', nativeEmbedding('/api/embed', inference, vectors)),
    ...on(embed('ollama'), 'POST', '/api/embeddings', nativeEmbedding('/api/embeddings', inference, vectors)),
    ...on(search, 'POST', '/api/experimental/web_search', relay('home', short)),
    ...on(search, 'POST', '/api/experimental/web_fetch', relay('home', short)),

    ...on(transferModel('json'), 'POST', '/api/pull', nativeProgress(transfer)),
    ...on(transferModel('json'), 'POST', '/api/push', nativeProgress(transfer)),
    ...on(transferModel('inference'), 'POST', '/api/create', nativeProgress(transfer)),
    ...on(transferModel('stream'), 'POST', '/api/blobs/:digest', relay('home', transfer)),
    ...on(manage('none'), 'HEAD', '/api/blobs/:digest', relay('home', short)),
    ...on(manage('json'), 'POST', '/api/copy', relay('home', short)),
    ...on(manage('json'), 'DELETE', '/api/delete', relay('home', short)),
    ...on(manage('json'), 'POST', '/api/me', relay('home', short)),
    ...on(manage('json'), 'POST', '/api/signout', relay('home', short)),
    ...on(manage('none'), 'DELETE', '/api/user/keys/:encodedKey', relay('home', short)),

    ...on(infer('openai'), 'POST', '/v1/chat/completions', openAiChat(generation)),
    ...on(infer('openai'), 'POST', '/v1/completions', openAiCompletions(generation)),
    ...on(embed('openai'), 'POST', '/v1/embeddings', openAiEmbeddings(inference, vectors)),
    ...on(read('openai'), 'GET', '/v1/models', openAiModels({ hosts, virtual })),
    ...on(read('openai'), 'GET', '/v1/models/*model', openAiModel({ hosts, virtual })),
    ...on(infer('openai'), 'POST', '/v1/responses', openAiResponses(generation)),
    ...on(infer('openai', 'upload'), 'POST', '/v1/audio/transcriptions', transcriptions(generation)),

    ...on(infer('anthropic'), 'POST', '/v1/messages', anthropicMessages(generation)),
    ...on(infer('anthropic'), 'POST', '/v1/messages/count_tokens', anthropicCountTokens),

    ...ownRoutes(deps),
  ];
}

function ownRoutes(deps: RouteDeps): Route[] {
  const { health: checks } = deps;
  return [
    ...at(['/api/health', '/health', '/api/v2/health'], path => on(probe('problem'), monitored, path, health(checks))),
    ...at(healthPaths('live'), path => on(probe('problem'), monitored, path, live)),
    ...at(healthPaths('ready'), path => on(probe('problem'), monitored, path, ready(checks))),
    ...at(healthPaths('startup'), path => on(probe('problem'), monitored, path, startup(checks))),
    ...at(['/metrics', '/api/v2/metrics'], path => on(look, 'GET', path, metrics(deps.metrics))),
    ...on(read('problem'), 'GET', '/api/journal', journalPage(deps.healers)),
    ...on(read('problem'), 'GET', '/api/admin/healers', listHealers(deps.healers)),
    ...on(administer, 'PUT', '/api/admin/healers/:name', setHealer(deps.healers)),
    ...on(read('problem'), 'GET', '/api/admin/recycle', showRecycle(deps.recycle)),
    ...on(operate, 'POST', '/api/admin/recycle', startRecycle(deps.recycle)),
    ...on(read('problem'), 'GET', '/api/admin/hosts', listHosts(deps.hosts)),
    ...on(operate, 'POST', '/api/admin/hosts/:name/drain', drainHost(true, deps.hosts)),
    ...on(operate, 'POST', '/api/admin/hosts/:name/undrain', drainHost(false, deps.hosts)),
    ...on(operate, 'POST', '/api/admin/hosts/:name/reset-breaker', resetBreaker(deps.breakers)),
    ...on(read('problem'), 'GET', '/api/admin/queue', listQueue(deps.queue)),
    ...on(read('problem'), 'GET', '/api/admin/breakers', listBreakers(deps.breakers)),
    ...on(operate, 'POST', '/api/admin/breakers/:name/reset', resetBreaker(deps.breakers)),
    ...on(read('problem'), 'GET', '/api/admin/models', listVirtualModels(deps.virtualModels)),
    ...on(edit, 'POST', '/api/admin/models', createVirtualModel(deps.virtualModels)),
    ...on(read('problem'), 'GET', '/api/admin/models/*name', showVirtualModel(deps.virtualModels)),
    ...on(edit, 'PUT', '/api/admin/models/*name', putVirtualModel(deps.virtualModels)),
    ...on(operate, 'DELETE', '/api/admin/models/*name', deleteVirtualModel(deps.virtualModels)),
    ...on(read('problem'), 'GET', '/api/admin/cache', cacheStats(deps.cacheAdmin)),
    ...on(operate, 'DELETE', '/api/admin/cache', purgeCache(deps.cacheAdmin)),
    ...on(probe('problem'), monitored, '/openapi.json', openApiDocument(deps.openApi)),
  ];
}

/** Monitors ask by HEAD as well. */
const monitored = 'GET HEAD';

function healthPaths(probed: string): string[] {
  return [`/api/health/${probed}`, `/api/v2/health/${probed}`];
}

function at(paths: readonly string[], routesOf: (path: string) => Route[]): Route[] {
  return paths.flatMap(routesOf);
}

/** @param methods one or several, separated by blanks */
function on(kind: RouteKind, methods: string, path: string, handler: Handler): Route[] {
  const routes: Route[] = [];
  for (const method of methods.split(' ')) routes.push({ ...kind, method: method as Route['method'], path, handler });
  return routes;
}
