/** The response cache as an administrator sees it: how much it holds, and how to throw away what is wrong. */
import { DeciError } from '../../kernel/errors.ts';
import { sendJson } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import { validateQuery } from '../validate.ts';

export interface CacheUsage {
  readonly entries: number;
  readonly bytes: number;
}

export interface CacheAdminDeps {
  /** Undefined where it is switched off. */
  readonly cache: CacheAdmin | undefined;
}

export interface CacheAdmin {
  usage(): {
    readonly memory: CacheUsage;
    /** Undefined while it cannot be used. */
    readonly shared: CacheUsage | undefined;
    /** Answers under way that others may join. */
    readonly flights: number;
  };
  readonly limits: {
    readonly ttlMs: number;
    readonly staleMs: number;
    readonly maxEntries: number;
    readonly maxBytes: number;
    readonly sharedBytes: number;
  };
  /** @throws an error that tells itself when it cannot be known that all workers have done it */
  purge(what: PurgeQuery, signal: AbortSignal): Promise<number>;
}

export interface PurgeQuery {
  readonly tag?: string | undefined;
  readonly model?: string | undefined;
  readonly key?: string | undefined;
}

export function cacheStats({ cache }: CacheAdminDeps): Handler {
  return context => {
    if (cache === undefined) {
      sendJson(context, { enabled: false, ttl_s: null, stale_max_s: null, worker: null, shared: null });
      return;
    }
    const { memory, shared, flights } = cache.usage();
    const { ttlMs, staleMs, maxEntries, maxBytes, sharedBytes } = cache.limits;
    sendJson(context, {
      enabled: true,
      ttl_s: ttlMs / 1000,
      stale_max_s: staleMs / 1000,
      worker: { pid: process.pid, ...memory, max_entries: maxEntries, max_bytes: maxBytes, flights },
      shared: shared === undefined ? null : { ...shared, max_bytes: sharedBytes },
    });
  };
}

export function purgeCache({ cache }: CacheAdminDeps): Handler {
  return async context => {
    const what = await validateQuery('DELETE /api/admin/cache', context.pathAndQuery);
    if (Object.keys(what).length > 1) {
      throw new DeciError('invalid_request', { message: 'give one of tag, model and key, or none for everything' });
    }
    const removed = cache === undefined ? 0 : await cache.purge(what, context.signal);
    sendJson(context, { removed });
  };
}
