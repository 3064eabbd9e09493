/** Names of models put together: the virtual ones, and what is done to requests for the sake of all others. */
import type { Config } from '../config/config.ts';
import type { ModelPolicy } from '../gateway/model-policy.ts';
import type { RouteDeps } from '../http/routes.ts';
import { VirtualModels } from '../ollama/virtual-models.ts';
import { VirtualModelRepository } from '../storage/virtual-model-repository.ts';
import type { Spine } from './create-spine.ts';

export interface Models {
  readonly policy: ModelPolicy;
  readonly virtualModels: VirtualModels;
  readonly admin: RouteDeps['virtualModels'];
}

export function createModels({ models, upstreams, cache }: Config, { store, log }: Spine): Models {
  const virtualModels = new VirtualModels({
    records: new VirtualModelRepository(store, () => new Date()),
    random: Math.random,
    onFailure: error => log.warn('the virtual models cannot be read', { cause: String(error) }),
  });
  const { fallbackText, runnerOptions, maxContext, keepAlive } = models;
  const protection = { runnerOptions, maxContext, keepAlive };
  return {
    policy: { find: name => virtualModels.find(name), protection, fallbackText, cacheScope: cache?.scope ?? 'key' },
    virtualModels,
    admin: { virtualModels, hostNames: upstreams.map(({ url }) => new URL(url).host) },
  };
}
