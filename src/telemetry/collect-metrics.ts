/**
 * The metrics of all processes as one, from whichever is asked. The others are asked to write theirs first; one that does
 * not answer in time counts with what its file says, so that a frozen process delays nobody for longer than that.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { aborted, withDeadline } from '../kernel/deadline.ts';
import { isAlive } from '../kernel/process-identity.ts';
import { collectionMetrics } from './metric-table.ts';
import { readMetricsFile } from './metrics-file.ts';
import { type MergedMetric, type MergePart, mergeMetrics } from './metrics-merge.ts';
import {
  isMetricsFileName,
  type MetricsOwner,
  metricsFileName,
  ownerText,
  parseMetricsFileName,
  processLabel,
} from './metrics-owner.ts';
import type { MetricsRegistry } from './metrics-registry.ts';
import type { MetricsSnapshot } from './metrics-snapshot.ts';
import { readRetired } from './retired-metrics.ts';

export interface CollectOptions {
  /** That of the process which collects; says where the others are. */
  readonly registry: MetricsRegistry;
  /** Resolves when the peer has flushed; rejects or waits when it cannot. */
  readonly nudge: (peer: MetricsOwner, signal: AbortSignal) => Promise<void>;
  readonly nudgeTimeoutMs?: number;
}

export interface CollectedProcess {
  readonly owner: MetricsOwner;
  /** Its values are those of now. */
  readonly answered: boolean;
}

export interface CollectedMetrics {
  readonly processes: readonly CollectedProcess[];
  /** Files that look like ours and hold nothing that can be read. */
  readonly skippedFiles: number;
  readonly metrics: readonly MergedMetric[];
}

const defaultNudgeTimeoutMs = 100;
/** Crash loops without anybody who folds what they leave must not make a scrape endless. */
const maxFiles = 1000;

/**
 * What is damaged is left out and counted.
 * @throws when this process can read nothing at all, for want of descriptors: a sum without somebody would be a wrong one
 */
export async function collectMetrics(options: CollectOptions): Promise<CollectedMetrics> {
  const { registry } = options;
  const self = ownerText(registry.owner);
  const peers = listFiles(registry.dir).owners.filter(owner => ownerText(owner) !== self && isAlive(owner));
  const answered = await nudgeAll(peers, options);
  // Written before it is shown: otherwise a kill right now would turn counters back.
  registry.flush();
  const { parts, skippedFiles } = readOthers(registry.dir, self);
  const processes = [{ owner: registry.owner, answered: true }, ...answered];
  const metrics = mergeMetrics([{ snapshot: registry.snapshot(), alive: true }, ...parts]);
  return { processes, skippedFiles, metrics: [...metrics, ...ofCollection(processes, skippedFiles)] };
}

function ofCollection(processes: readonly CollectedProcess[], skippedFiles: number): MergedMetric[] {
  const up = processes.map(({ owner, answered }) => ({
    labels: [processLabel(owner)],
    values: Float64Array.of(answered ? 1 : 0),
  }));
  const skipped = [{ labels: [], values: Float64Array.of(skippedFiles) }];
  return [
    { definition: collectionMetrics.up, series: up },
    { definition: collectionMetrics.filesSkipped, series: skipped },
  ];
}

async function nudgeAll(
  peers: readonly MetricsOwner[],
  { nudge, nudgeTimeoutMs = defaultNudgeTimeoutMs }: CollectOptions,
): Promise<CollectedProcess[]> {
  if (peers.length === 0) return [];
  return withDeadline(nudgeTimeoutMs, async signal => {
    const late = aborted(signal).then(() => false);
    const ask = async (peer: MetricsOwner): Promise<boolean> => {
      await nudge(peer, signal);
      return true;
    };
    return Promise.all(
      peers.map(async owner => ({ owner, answered: await Promise.race([ask(owner).catch(() => false), late]) })),
    );
  });
}

function readOthers(dir: string, self: string): { parts: MergePart[]; skippedFiles: number } {
  const { owners, foreign } = listFiles(dir);
  const read: Array<{ owner: MetricsOwner; snapshot: MetricsSnapshot }> = [];
  let skippedFiles = foreign;
  for (const owner of owners) {
    const text = ownerText(owner);
    if (text === self) continue;
    const snapshot = readMetricsFile(join(dir, metricsFileName(owner)));
    if (snapshot === 'gone' || snapshot === 'empty') continue;
    if (snapshot === 'damaged' || snapshot.owner !== text) skippedFiles++;
    else read.push({ owner, snapshot });
  }
  // Last, see there.
  const { snapshot: retired, damaged } = readRetired(dir);
  const contained = new Set(retired.folded);
  const parts: MergePart[] = read
    .filter(({ snapshot }) => !contained.has(snapshot.owner))
    .map(({ owner, snapshot }) => ({ snapshot, alive: isAlive(owner) }));
  parts.push({ snapshot: retired, alive: false });
  return { parts, skippedFiles: skippedFiles + damaged };
}

function listFiles(dir: string): { owners: MetricsOwner[]; foreign: number } {
  const names = namesIn(dir).filter(name => isMetricsFileName(name));
  const owners = names.slice(0, maxFiles).flatMap(name => parseMetricsFileName(name)?.owner ?? []);
  return { owners, foreign: names.length - owners.length };
}

/** Without the folder this process has what it counted itself, and shows that. */
function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return [];
    throw error;
  }
}
