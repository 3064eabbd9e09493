/**
 * What processes counted that are gone: one file, into which the control process alone folds theirs, and a copy of it for
 * when it is damaged. Each names whose values it contains, and is put in place at once as a whole: first the file, then
 * the copy, and only then are the files of those processes removed.
 *
 * - Whose file is gone is named in both. A copy that is behind lacks only those whose files are still there: every sum is
 *   exact with either of the two, and a kill between any two steps changes none.
 * - Whoever is named is not read a second time. Readers read it last: a file that vanished before they came to it is named
 *   and contained by then.
 */
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity } from '../kernel/process-identity.ts';
import { seriesWidth } from './metric-series.ts';
import { readMetricsFile } from './metrics-file.ts';
import { type MergedMetric, type MergePart, mergeMetrics } from './metrics-merge.ts';
import { metricsFileName, ownerText, parseMetricsFileName, retiredFileNames } from './metrics-owner.ts';
import {
  type Catalogue,
  type CataloguedSeries,
  encodeSnapshot,
  type MetricsSnapshot,
  snapshotBytes,
} from './metrics-snapshot.ts';
import { defaultMaxSeries, otherLabel } from './series-family.ts';

export interface RetiredMetrics {
  readonly snapshot: MetricsSnapshot;
  /** How many of the two files hold nothing that can be read, as far as it was looked. */
  readonly damaged: number;
}

export interface FoldResult {
  /** How many processes. */
  readonly folded: number;
  /** How many files could not be read and were dropped; of the retired only both together are a loss of values. */
  readonly lost: number;
}

type RetiredFile = MetricsSnapshot | 'gone' | 'damaged';

/** Names are needed only while somebody may still hold what it read of a removed file: a moment. */
const maxFolded = 512;
/** More wait for the next round. */
const maxFoldsAtOnce = 128;
const nobody: MetricsSnapshot = { owner: 'retired', folded: [], metrics: [], sequence: 0, values: new Float64Array() };

export function readRetired(dir: string): RetiredMetrics {
  const file = readOne(dir, retiredFileNames.file);
  return choose(file, typeof file === 'string' ? readOne(dir, retiredFileNames.copy) : 'gone');
}

/**
 * Folds the files of dead processes and removes what they left; makes good what was damaged or is behind of the retired.
 * For the control process alone; takes a moment and never waits.
 * @throws when the folder cannot be read or written; nothing is lost, the next call does the rest
 */
export function foldDead(dir: string, self: ProcessIdentity): FoldResult {
  const names = readdirSync(dir);
  const dead = names.filter(name => isLeftBehind(name)).slice(0, maxFoldsAtOnce);
  const file = readOne(dir, retiredFileNames.file);
  const copy = readOne(dir, retiredFileNames.copy);
  const { snapshot: retired, damaged } = choose(file, copy);
  const { parts, lost } = readDead(dir, dead, new Set(retired.folded));
  if (parts.length > 0 || !isSame(file, copy)) {
    const folded = [...retired.folded, ...parts.map(({ snapshot }) => snapshot.owner)].slice(-maxFolded);
    const bytes = encode(mergeMetrics([...parts, { snapshot: retired, alive: false }]), folded);
    for (const [name, before] of [[retiredFileNames.file, file] as const, [retiredFileNames.copy, copy] as const]) {
      replace(dir, self, { name, bytes, isDamaged: before === 'damaged' });
    }
  }
  for (const name of dead) rmSync(join(dir, name), { force: true, recursive: true });
  return { folded: parts.length, lost: lost + damaged };
}

/** It appears complete, so that one without anything in it is damaged. */
function readOne(dir: string, name: string): RetiredFile {
  const snapshot = readMetricsFile(join(dir, name));
  return snapshot === 'empty' ? 'damaged' : snapshot;
}

function choose(file: RetiredFile, copy: RetiredFile): RetiredMetrics {
  const snapshot = [file, copy].find(one => typeof one !== 'string') ?? nobody;
  return { snapshot, damaged: [file, copy].filter(one => one === 'damaged').length };
}

/** The same processes are the same values. */
function isSame(file: RetiredFile, copy: RetiredFile): boolean {
  if (typeof file === 'string' || typeof copy === 'string') return file === 'gone' && copy === 'gone';
  return file.folded.join() === copy.folded.join();
}

function isLeftBehind(name: string): boolean {
  const parsed = parseMetricsFileName(name);
  return parsed !== undefined && !isAlive(parsed.owner);
}

/** Nothing is to be had from half a replacement, from what was never written, and from what is contained already. */
function readDead(dir: string, names: readonly string[], contained: ReadonlySet<string>) {
  const parts: MergePart[] = [];
  let lost = 0;
  for (const name of names) {
    const parsed = parseMetricsFileName(name);
    if (parsed?.kind !== 'bin' || contained.has(ownerText(parsed.owner))) continue;
    const snapshot = readMetricsFile(join(dir, name));
    if (snapshot === 'gone' || snapshot === 'empty') continue;
    if (snapshot === 'damaged' || snapshot.owner !== ownerText(parsed.owner)) lost++;
    else parts.push({ snapshot, alive: false });
  }
  return { parts, lost };
}

/** What is damaged is kept for whoever wants to know why, in the place of the one before. */
function replace(
  dir: string,
  { pid, start }: ProcessIdentity,
  { name, bytes, isDamaged }: { name: string; bytes: Buffer; isDamaged: boolean },
): void {
  const half = join(dir, metricsFileName({ role: 'retired', pid, start }, 'tmp'));
  try {
    writeFileSync(half, bytes, { mode: 0o600 });
    if (typeof readMetricsFile(half) === 'string') throw new Error(`${half} cannot be read again`);
    if (isDamaged) {
      rmSync(join(dir, retiredFileNames.damaged), { force: true, recursive: true });
      renameSync(join(dir, name), join(dir, retiredFileNames.damaged));
    }
    renameSync(half, join(dir, name));
  } catch (error) {
    rmSync(half, { force: true });
    throw error;
  }
}

function encode(merged: readonly MergedMetric[], folded: readonly string[]): Buffer {
  const { catalogue, values } = layOut(merged);
  const text = Buffer.from(JSON.stringify({ ...catalogue, folded }));
  const bytes = Buffer.alloc(snapshotBytes(text.length, values.length));
  encodeSnapshot(bytes, text, values, 1);
  return bytes;
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
