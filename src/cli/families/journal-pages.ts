/** Reading the journal page by page: the newest records, and what came after one that is known. */
import { CommandFailure, exitCodes } from '../../kernel/exit-codes.ts';
import { isObject, type JsonObject } from '../../kernel/json.ts';
import type { ApiClient } from '../api-client.ts';

export interface JournalPage {
  readonly records: readonly JsonObject[];
  readonly nextCursor: string | undefined;
  readonly hasMore: boolean;
}

/** Names of the query's members. Undefined: all. */
export interface JournalFilters {
  readonly healer?: string | undefined;
  readonly result?: string | undefined;
  readonly target?: string | undefined;
  /** RFC 3339. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

const pageSize = 100;
/** Pages that may be empty since the server looks at so many records a page: more than a journal has. */
const maxPages = 1000;

export class JournalPages {
  readonly #client: ApiClient;
  readonly #filters: JournalFilters;

  constructor(client: ApiClient, filters: JournalFilters) {
    this.#client = client;
    this.#filters = filters;
  }

  /** Newest first, at most `limit`. */
  async newest(limit: number, signal: AbortSignal): Promise<JournalPage> {
    const records: JsonObject[] = [];
    let page: JournalPage = { records, nextCursor: undefined, hasMore: true };
    for (let pages = 0; pages < maxPages && page.hasMore && records.length < limit; pages++) {
      const cursor = page.nextCursor;
      page = await this.#page({ limit: Math.min(limit - records.length, pageSize), cursor }, signal);
      records.push(...page.records.slice(0, limit - records.length));
      // A page that leads to itself, or nowhere, would make this a loop without end.
      if (page.nextCursor === undefined || page.nextCursor === cursor) break;
    }
    return { ...page, records };
  }

  /** Oldest first, one page. */
  async after(id: string, signal: AbortSignal): Promise<JournalPage> {
    return this.#page({ limit: pageSize, after: id }, signal);
  }

  async #page(query: Readonly<Record<string, string | number | undefined>>, signal: AbortSignal): Promise<JournalPage> {
    const request = { method: 'GET', path: '/api/journal', query: { ...query, ...this.#filters } } as const;
    const { data, next_cursor: cursor, has_more: hasMore } = await this.#client.send(request, signal);
    if (!Array.isArray(data) || !data.every(isRecord)) {
      throw new CommandFailure(exitCodes.failed, 'The journal cannot be understood: is the server of another version?');
    }
    return { records: data, nextCursor: typeof cursor === 'string' ? cursor : undefined, hasMore: hasMore === true };
  }
}

export function idOf(record: JsonObject): string {
  return String(record['id']);
}

function isRecord(value: unknown): value is JsonObject {
  return isObject(value) && (typeof value['id'] === 'string' || typeof value['id'] === 'number');
}
