/** The routes of the fake: what Ollama serves under its own API. */
import type { Exchange } from './exchange.ts';
import type { FakeServer } from './fake-server.ts';
import { handleHeadBlob, handlePostBlob } from './handlers-blobs.ts';
import { handleEmbed, handleEmbeddings } from './handlers-embed.ts';
import {
  handleCloudProxy,
  handleMe,
  handleRecommendations,
  handleRoot,
  handleSignout,
  handleStatus,
  handleVersion,
} from './handlers-general.ts';
import { handleChat, handleGenerate } from './handlers-inference.ts';
import { handleCopy, handleDelete, handlePs, handleShow, handleTags } from './handlers-models.ts';
import { handleCreate, handlePull, handlePush } from './handlers-transfer.ts';

export type Handler = (server: FakeServer, exchange: Exchange) => Promise<void> | void;

export interface Route {
  methods: Readonly<Record<string, Handler>>;
  /** The handler takes the body off the wire itself. */
  rawBody?: boolean;
}

const ROUTES: Readonly<Record<string, Route>> = {
  '/': { methods: { GET: handleRoot, HEAD: handleRoot } },
  '/api/version': { methods: { GET: handleVersion, HEAD: handleVersion } },
  '/api/status': { methods: { GET: handleStatus } },
  '/api/tags': { methods: { GET: handleTags, HEAD: handleTags } },
  '/api/ps': { methods: { GET: handlePs } },
  '/api/show': { methods: { POST: handleShow } },
  '/api/generate': { methods: { POST: handleGenerate } },
  '/api/chat': { methods: { POST: handleChat } },
  '/api/embed': { methods: { POST: handleEmbed } },
  '/api/embeddings': { methods: { POST: handleEmbeddings } },
  '/api/pull': { methods: { POST: handlePull } },
  '/api/push': { methods: { POST: handlePush } },
  '/api/create': { methods: { POST: handleCreate } },
  '/api/copy': { methods: { POST: handleCopy } },
  '/api/delete': { methods: { DELETE: handleDelete } },
  '/api/me': { methods: { POST: handleMe } },
  '/api/signout': { methods: { POST: handleSignout } },
  '/api/experimental/web_search': { methods: { POST: handleCloudProxy } },
  '/api/experimental/web_fetch': { methods: { POST: handleCloudProxy } },
  '/api/experimental/model-recommendations': { methods: { GET: handleRecommendations } },
};

const PARAMETER_ROUTES: Readonly<Record<string, Route>> = {
  '/api/blobs/': { methods: { HEAD: handleHeadBlob, POST: handlePostBlob }, rawBody: true },
  '/api/user/keys/': { methods: { DELETE: handleSignout } },
};

export interface FoundRoute {
  route: Route;
  parameter: string;
}

export function findRoute(path: string): FoundRoute | undefined {
  const route = ROUTES[path];
  if (route) return { route, parameter: '' };
  const slash = path.lastIndexOf('/') + 1;
  const parent = PARAMETER_ROUTES[path.slice(0, slash)];
  const parameter = path.slice(slash);
  return parent && parameter !== '' ? { route: parent, parameter } : undefined;
}
