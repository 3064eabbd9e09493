/**
 * What processes counted that are gone: one file, into which the control process alone folds theirs. The file names whose
 * values it contains, and is put in place at once as a whole; only then are the files of those processes removed. Whoever
 * is named there is not read a second time, so a kill between any two steps changes no sum. Readers read it last: a
 * file that vanished before they came to it is named and contained by then.
 */
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity } from '../kernel/process-identity.ts';
import { seriesWidth } from './metric-series.ts';
import { readMetricsFile } from './metrics-file.ts';
import { type MergedMetric, type MergePart, mergeMetrics } from './metrics-merge.ts';
import { metricsFileName, ownerText, parseMetricsFileName, retiredFileName } from './metrics-owner.ts';
import {
  type Catalogue,
  type CataloguedSeries,
  encodeSnapshot,
  type MetricsSnapshot,
  snapshotBytes,
} from './metrics-snapshot.ts';
import { defaultMaxSeries, otherLabel } from './series-family.ts';

/** Names are needed only while somebody may still hold what it read of a removed file: a moment. */
const maxFolded = 512;
/** More wait for the next round. */
const maxFoldsAtOnce = 128;
const nobody: MetricsSnapshot = { owner: 'retired', folded: [], metrics: [], sequence: 0, values: new Float64Array() };

/** @returns `damaged` when what was retired is lost */
export function readRetired(dir: string): MetricsSnapshot | 'damaged' {
  const snapshot = readMetricsFile(join(dir, retiredFileName));
  return snapshot === 'gone' || snapshot === 'empty' ? nobody : snapshot;
}

/**
 * Folds the files of dead processes and removes what they left. For the control process alone; takes a moment and never
 * waits.
 * @returns how many processes were folded
 * @throws when the folder cannot be read or written; nothing is lost, the next call does the rest
 */
export function foldDead(dir: string, self: ProcessIdentity): number {
  const names = readdirSync(dir);
  const dead = names.filter(name => isLeftBehind(name)).slice(0, maxFoldsAtOnce);
  if (dead.length === 0) return 0;
  const read = readRetired(dir);
  const retired = read === 'damaged' ? nobody : read;
  const contained = new Set(retired.folded);
  const parts: MergePart[] = [];
  const folded: string[] = [];
  for (const name of dead) {
    const snapshot = readLeftBehind(dir, name);
    if (snapshot === undefined || contained.has(snapshot.owner)) continue;
    parts.push({ snapshot, alive: false });
    folded.push(snapshot.owner);
  }
  if (parts.length > 0) {
    const metrics = mergeMetrics([...parts, { snapshot: retired, alive: false }]);
    replaceRetired(dir, self, { metrics, folded: [...retired.folded, ...folded].slice(-maxFolded) });
  }
  for (const name of dead) rmSync(join(dir, name), { force: true, recursive: true });
  return folded.length;
}

function isLeftBehind(name: string): boolean {
  const parsed = parseMetricsFileName(name);
  return parsed !== undefined && !isAlive(parsed.owner);
}

/** @returns undefined where there is nothing to fold: never written, damaged, another's, or half a replacement */
function readLeftBehind(dir: string, name: string): MetricsSnapshot | undefined {
  const parsed = parseMetricsFileName(name);
  if (parsed?.kind !== 'bin') return undefined;
  const snapshot = readMetricsFile(join(dir, name));
  return typeof snapshot === 'string' || snapshot.owner !== ownerText(parsed.owner) ? undefined : snapshot;
}

function replaceRetired(
  dir: string,
  { pid, start }: ProcessIdentity,
  content: { metrics: readonly MergedMetric[]; folded: readonly string[] },
): void {
  const { catalogue, values } = layOut(content.metrics);
  const text = Buffer.from(JSON.stringify({ ...catalogue, folded: content.folded }));
  const bytes = Buffer.alloc(snapshotBytes(text.length, values.length));
  encodeSnapshot(bytes, text, values, 1);
  const half = join(dir, metricsFileName({ role: 'retired', pid, start }, 'tmp'));
  try {
    writeFileSync(half, bytes, { mode: 0o600 });
    renameSync(half, join(dir, retiredFileName));
  } catch (error) {
    rmSync(half, { force: true });
    throw error;
  }
}

/** Every process stays within its bounds, but all that ever were do not: theirs is kept here. */
function layOut(merged: readonly MergedMetric[]): { catalogue: Catalogue; values: Float64Array } {
  const values: number[] = [];
  const metrics = merged.map(({ definition, series }) => {
    const places = new Map<string, CataloguedSeries>();
    const maxSeries = definition.maxSeries ?? defaultMaxSeries;
    for (const one of series) {
      const labels = places.size < maxSeries ? one.labels : definition.labels.map(() => otherLabel);
      const key = JSON.stringify(labels);
      const place = places.get(key) ?? { labels, at: values.length };
      if (!places.has(key)) {
        places.set(key, place);
        values.push(...new Float64Array(seriesWidth(definition)));
      }
      for (const [i, value] of one.values.entries()) values[place.at + i] = (values[place.at + i] ?? 0) + value;
    }
    return { definition, series: [...places.values()] };
  });
  return { catalogue: { owner: nobody.owner, folded: [], metrics }, values: Float64Array.from(values) };
}
