/**
 * A virtual model as it stands in the store. What was written passed the schema of the release that wrote it: of an older one
 * it lacks members, of a newer one it may have others, or values, that are not known here. Pure.
 */
import { isObject, type JsonObject, parseObject } from '../kernel/json.ts';
import type { CacheScope, RunnerPolicy, VirtualModel } from './virtual-model.ts';

const policies: readonly RunnerPolicy[] = ['keep', 'round_up', 'fix'];

/** @returns undefined when it says no name, or not what stands behind it */
export function readVirtualRecord(json: string): VirtualModel | undefined {
  const record = parseObject(json);
  const name = text(record?.['name']);
  const base = text(record?.['base']);
  if (record === undefined || name === null || base === null) return undefined;
  const { cache, retry, options } = record;
  return {
    name,
    base,
    hosts: texts(record['hosts']),
    options: isObject(options) ? options : {},
    runner_options: oneOf(policies, record['runner_options']) ?? null,
    system: text(record['system']),
    system_policy: oneOf(['default', 'always'], record['system_policy']) ?? 'default',
    fallbacks: texts(record['fallbacks']),
    fallback_text: text(record['fallback_text']),
    cache: readCache(isObject(cache) ? cache : {}),
    retry: readRetry(isObject(retry) ? retry : {}),
    keep_alive: readKeepAlive(record['keep_alive']),
    knowledge: null,
  };
}

function readCache(cache: JsonObject): VirtualModel['cache'] {
  return {
    policy: oneOf(['default', 'always', 'never'], cache['policy']) ?? 'default',
    ttl: text(cache['ttl']),
    scope: oneOf<CacheScope>(['tenant', 'key'], cache['scope']) ?? null,
  };
}

function readRetry(retry: JsonObject): VirtualModel['retry'] {
  const { attempts, also, never } = retry;
  return { attempts: typeof attempts === 'number' ? attempts : null, also: texts(also), never: texts(never) };
}

function readKeepAlive(value: unknown): string | number | null {
  return typeof value === 'string' || typeof value === 'number' ? value : null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : [];
}

function oneOf<T extends string>(known: readonly T[], value: unknown): T | undefined {
  return known.find(one => one === value);
}
