/** A model that a host has in memory, as `/api/ps` tells it. */
import { isObject } from '../kernel/json.ts';

export interface LoadedModel {
  readonly name: string;
  /** With another one it would be loaded anew; undefined where an old server does not tell. */
  readonly contextLength: number | undefined;
  /** When it leaves the memory unless it is used, by the clock of the host, as ms since 1970. */
  readonly expiresAtMs: number;
  /** Until then. */
  readonly remainingMs: number;
}

const maxRows = 1000;

/**
 * @param answer the parsed body
 * @param hostNowMs what time it was at the host: its clock need not be ours
 */
export function loadedModels(answer: unknown, hostNowMs: number): LoadedModel[] {
  const rows: unknown = isObject(answer) ? answer['models'] : undefined;
  if (!Array.isArray(rows)) return [];
  return rows.slice(0, maxRows).flatMap((row: unknown) => {
    if (!isObject(row) || typeof row['name'] !== 'string') return [];
    const { name, context_length: context, expires_at: expires } = row;
    const expiresAtMs = Date.parse(String(expires));
    if (Number.isNaN(expiresAtMs)) return [];
    const contextLength = typeof context === 'number' && context > 0 ? context : undefined;
    return [{ name, contextLength, expiresAtMs, remainingMs: expiresAtMs - hostNowMs }];
  });
}
