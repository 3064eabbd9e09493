/**
 * The file in which one process shows its metrics to the others. Its owner alone writes it; the others read it whenever
 * they like, also after its owner was killed.
 *
 * - It is made once and never renamed: a folder that is being listed may pass over a name that moves meanwhile.
 * - It has two places for a snapshot, written in turn. The one that is not being written is whole, so that a reader, or a
 *   kill in the middle of a write, finds at least the last state that was ever seen. The second place begins far behind
 *   the first; the hole between them takes no space.
 * - A disk that does not take it is told once; the process goes on with its metrics in memory and tries again.
 */
import { closeSync, constants, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type MetricsOwner, metricsFileName } from './metrics-owner.ts';
import {
  claimOf,
  decodeSnapshot,
  encodeSnapshot,
  type MetricsSnapshot,
  type SnapshotClaim,
  snapshotBytes,
  snapshotHeaderBytes,
} from './metrics-snapshot.ts';

export interface MetricsFileOptions {
  /** Should lie in memory: a write must not wait for a disk. Made for the owner alone when it is missing. */
  readonly dir: string;
  readonly owner: MetricsOwner;
  /** Called once for each time in which the folder does not take what is written. */
  readonly onFailure: (error: Error) => void;
}

/** Also the most that a snapshot may have. */
const placeBytes = 16 * 1024 * 1024;
/** A writer that laps the reader twice in one read is unheard of; a damaged file stays damaged. */
const maxReads = 4;

export class MetricsFile {
  readonly #options: MetricsFileOptions;
  readonly #path: string;
  #fd: number | undefined;
  #sequence = 0;
  #buffer = Buffer.alloc(0);
  #failing = false;

  constructor(options: MetricsFileOptions) {
    this.#options = options;
    this.#path = join(options.dir, metricsFileName(options.owner));
  }

  /** Never throws. @returns whether the file has it now */
  write(catalogue: Buffer, values: Float64Array): boolean {
    try {
      const sequence = this.#sequence + 1;
      const bytes = this.#encode(catalogue, values, sequence);
      const written = writeSync(this.#open(), bytes, 0, bytes.length, (sequence % 2) * placeBytes);
      if (written < bytes.length) throw new Error('the disk took only a part of the metrics');
      // Only now: after a failed write the next one takes the same place, which may be torn, and the other stays whole.
      this.#sequence = sequence;
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#options.onFailure(error instanceof Error ? error : new Error(String(error)));
      this.#failing = true;
    }
    return !this.#failing;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #encode(catalogue: Buffer, values: Float64Array, sequence: number): Buffer {
    const size = snapshotBytes(catalogue.length, values.length);
    if (size > placeBytes) throw new Error(`the metrics have ${size} bytes, more than ${placeBytes}`);
    if (size > this.#buffer.length) this.#buffer = Buffer.alloc(size * 2);
    const bytes = this.#buffer.subarray(0, size);
    encodeSnapshot(bytes, catalogue, values, sequence);
    return bytes;
  }

  #open(): number {
    if (this.#fd !== undefined && fstatSync(this.#fd).nlink > 0) return this.#fd;
    const wasRemoved = this.#fd !== undefined;
    this.close();
    mkdirSync(this.#options.dir, { recursive: true, mode: 0o700 });
    this.#fd = openSync(this.#path, constants.O_CREAT | constants.O_WRONLY | constants.O_NOFOLLOW, 0o600);
    if (wasRemoved) this.#options.onFailure(new Error(`${this.#path} was removed; it is written anew`));
    return this.#fd;
  }
}

/**
 * @returns `gone` without a file, `empty` before the first write, `damaged` when it is none of ours or neither place is whole
 * @throws when it could not be read for a reason that is not its own
 */
export function readMetricsFile(path: string): MetricsSnapshot | 'gone' | 'empty' | 'damaged' {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'gone';
    if (code === 'ELOOP' || code === 'ENXIO' || code === 'EACCES') return 'damaged';
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return 'damaged';
    if (stat.size === 0) return 'empty';
    for (let read = 0; read < maxReads; read++) {
      const newest = readNewest(fd);
      if (newest !== undefined) return newest;
    }
    return 'damaged';
  } finally {
    closeSync(fd);
  }
}

/** The older place counts only where the newer one is just being written. */
function readNewest(fd: number): MetricsSnapshot | undefined {
  const first = readClaim(fd, 0)?.sequence ?? -1;
  const second = readClaim(fd, placeBytes)?.sequence ?? -1;
  const [newer, older] = first > second ? [0, placeBytes] : [placeBytes, 0];
  return readPlace(fd, newer) ?? readPlace(fd, older);
}

function readPlace(fd: number, from: number): MetricsSnapshot | undefined {
  const claim = readClaim(fd, from);
  if (claim === undefined || claim.bytes > placeBytes) return undefined;
  const bytes = Buffer.alloc(claim.bytes);
  readSync(fd, bytes, 0, bytes.length, from);
  return decodeSnapshot(bytes);
}

function readClaim(fd: number, from: number): SnapshotClaim | undefined {
  const header = Buffer.alloc(snapshotHeaderBytes);
  readSync(fd, header, 0, header.length, from);
  return claimOf(header);
}
