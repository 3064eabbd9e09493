/**
 * The metrics of one process at one moment, as bytes: a header with a checksum, a catalogue that says what the values
 * are, and the values. What does not fit its checksum is no snapshot, so that half a write is never taken for a whole one.
 */
import { crc32 } from 'node:zlib';
import type { MetricDefinition } from './metric-definition.ts';
import { seriesWidth } from './metric-series.ts';

export interface CataloguedSeries {
  /** Values of the metric's labels, in their order. */
  readonly labels: readonly string[];
  /** Index of its first value. */
  readonly at: number;
}

export interface CataloguedMetric {
  readonly definition: MetricDefinition;
  readonly series: readonly CataloguedSeries[];
}

export interface Catalogue {
  /** The owner's part of the file name: a copied file betrays itself. */
  readonly owner: string;
  /** Owners whose values are contained; only the file of the retired has some. */
  readonly folded: readonly string[];
  readonly metrics: readonly CataloguedMetric[];
}

export interface MetricsSnapshot extends Catalogue {
  /** Grows with every write of its owner. */
  readonly sequence: number;
  readonly values: Float64Array;
}

/** Magic, checksum of what follows it, sequence, bytes of the catalogue, number of values. */
export const snapshotHeaderBytes = 24;
const magic = 0x31544d44;
const checkedFrom = 8;

export function snapshotBytes(catalogueBytes: number, valueCount: number): number {
  return snapshotHeaderBytes + catalogueBytes + valueCount * 8;
}

/** @param into is overwritten; its length is that of `snapshotBytes` */
export function encodeSnapshot(into: Buffer, catalogue: Buffer, values: Float64Array, sequence: number): void {
  into.writeUInt32LE(magic, 0);
  into.writeDoubleLE(sequence, 8);
  into.writeUInt32LE(catalogue.length, 16);
  into.writeUInt32LE(values.length, 20);
  catalogue.copy(into, snapshotHeaderBytes);
  into.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), snapshotHeaderBytes + catalogue.length);
  into.writeUInt32LE(crc32(into.subarray(checkedFrom)), 4);
}

/** What a header says of itself; nothing is proven before the whole was decoded. */
export interface SnapshotClaim {
  readonly bytes: number;
  readonly sequence: number;
}

/** @returns undefined when this is no header of ours */
export function claimOf(header: Buffer): SnapshotClaim | undefined {
  if (header.length < snapshotHeaderBytes || header.readUInt32LE(0) !== magic) return undefined;
  return {
    bytes: snapshotBytes(header.readUInt32LE(16), header.readUInt32LE(20)),
    sequence: header.readDoubleLE(8),
  };
}

/** @returns undefined when the bytes are torn, damaged or somebody else's */
export function decodeSnapshot(bytes: Buffer): MetricsSnapshot | undefined {
  const claim = claimOf(bytes);
  if (claim?.bytes !== bytes.length || bytes.readUInt32LE(4) !== crc32(bytes.subarray(checkedFrom))) return undefined;
  const valuesFrom = snapshotHeaderBytes + bytes.readUInt32LE(16);
  const values = new Float64Array(Uint8Array.from(bytes.subarray(valuesFrom)).buffer);
  try {
    const catalogue = JSON.parse(bytes.toString('utf8', snapshotHeaderBytes, valuesFrom)) as Catalogue;
    return fits(catalogue, values) ? { ...catalogue, sequence: claim.sequence, values } : undefined;
  } catch {
    return undefined;
  }
}

/** Throws what reading a wrong shape throws. */
function fits({ owner, folded, metrics }: Catalogue, values: Float64Array): boolean {
  const inside = ({ definition, series }: CataloguedMetric): boolean =>
    series.every(
      ({ labels, at }) =>
        labels.length === definition.labels.length && at >= 0 && at + seriesWidth(definition) <= values.length,
    );
  return typeof owner === 'string' && Array.isArray(folded) && metrics.every(inside);
}
