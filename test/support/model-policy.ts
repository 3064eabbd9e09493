/** Names of models, for tests of what stands around them: no virtual ones, and nothing is changed, unless the test says so. */
import type { ModelPolicy } from '../../src/gateway/model-policy.ts';
import { modelKey } from '../../src/ollama/model-key.ts';
import type { VirtualModel } from '../../src/ollama/virtual-model.ts';

export function modelPolicy(changes: Partial<ModelPolicy> = {}): ModelPolicy {
  const keepAlive = { minMs: 0, maxMs: Number.POSITIVE_INFINITY };
  return {
    find: () => undefined,
    protection: { runnerOptions: 'keep', maxContext: 2 ** 30, keepAlive },
    cacheScope: 'key',
    ...changes,
  };
}

export function virtualModel(name: string, base: string, changes: Partial<VirtualModel> = {}): VirtualModel {
  return {
    name,
    base,
    hosts: [],
    options: {},
    runner_options: null,
    system: null,
    system_policy: 'default',
    fallbacks: [],
    fallback_text: null,
    cache: { policy: 'default', ttl: null, scope: null },
    retry: { attempts: null, also: [], never: [] },
    keep_alive: null,
    knowledge: null,
    ...changes,
  };
}

export function findAmong(...models: readonly VirtualModel[]): ModelPolicy['find'] {
  return name => models.find(model => modelKey(model.name) === modelKey(name));
}
