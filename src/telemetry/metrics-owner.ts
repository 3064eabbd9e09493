/** Whose file is which: the names of the metrics folder. Other files of the folder are nobody's business. */
import type { ProcessIdentity } from '../kernel/process-identity.ts';

export interface MetricsOwner extends ProcessIdentity {
  /** `blue`, `green`, `control`. */
  readonly role: string;
}

/** Of those that are gone; the copy stands in for the file, and of what was damaged one is kept. */
export const retiredFileNames = {
  file: 'metrics-retired.bin',
  copy: 'metrics-retired-copy.bin',
  damaged: 'metrics-retired-damaged.bin',
} as const;
const notOwned: ReadonlySet<string> = new Set(Object.values(retiredFileNames));
const rolePattern = /^[a-z][a-z0-9-]{0,31}$/;
const ownedName = /^metrics-([a-z][a-z0-9-]{0,31})-(\d+)-(\d*)\.(bin|tmp)$/;

/** @throws when the role cannot stand in a file name */
export function ownerText({ role, pid, start }: MetricsOwner): string {
  if (!rolePattern.test(role)) throw new Error(`role of a process: expected ${rolePattern.source}, got ${role}`);
  return `${role}-${pid}-${start}`;
}

/** The value of a `process` label: short, and a pid is what an operator has in hand. */
export function processLabel({ role, pid }: MetricsOwner): string {
  return `${role}-${pid}`;
}

export function metricsFileName(owner: MetricsOwner, kind: 'bin' | 'tmp' = 'bin'): string {
  return `metrics-${ownerText(owner)}.${kind}`;
}

export function parseMetricsFileName(name: string): { owner: MetricsOwner; kind: 'bin' | 'tmp' } | undefined {
  const [, role, pid, start, kind] = ownedName.exec(name) ?? [];
  if (role === undefined || start === undefined) return undefined;
  return { owner: { role, pid: Number(pid), start }, kind: kind === 'tmp' ? 'tmp' : 'bin' };
}

/** Looks as if it were one of ours, whether or not it is. */
export function isMetricsFileName(name: string): boolean {
  return name.startsWith('metrics-') && name.endsWith('.bin') && !notOwned.has(name);
}
