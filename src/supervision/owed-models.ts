/**
 * Models that a healer deleted in order to pull them anew, and that are not back: the journal knows of them, so that control still
 * does when it died in between.
 */
import type { HealingResult } from '../journal/record.ts';

interface PullRecord {
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly action: string;
  readonly target: string;
  readonly result: HealingResult | null;
  /** Null also where the action was interrupted. */
  readonly duration_ms: number | null;
}

export interface OwedModel {
  readonly host: string;
  readonly model: string;
}

export const replaceAction = 'replace_model';
export const restoreAction = 'restore_model';

/** A machine may be off for a while; what is older than that its user has seen, and may have deleted by hand. */
const owedForMs = 7 * 86_400_000;

/** Whether the host has one of them nevertheless is for the caller to look. @param records newest first */
export function owedModels(records: readonly PullRecord[], nowMs: number): OwedModel[] {
  const latest = new Map<string, PullRecord>();
  for (const record of records) {
    const { action, target, result } = record;
    if (action !== replaceAction && action !== restoreAction) continue;
    // What was only told changed nothing: the record before it counts.
    if (result === 'dry_run' || result === 'suppressed' || latest.has(target)) continue;
    latest.set(target, record);
  }
  return [...latest.values()].flatMap(record => {
    const [host, model] = record.target.split(' ', 2);
    if (host === undefined || model === undefined) return [];
    const isRecent = nowMs - Date.parse(record.time) < owedForMs;
    return isRecent && (record.result === 'worse' || record.duration_ms === null) ? [{ host, model }] : [];
  });
}
