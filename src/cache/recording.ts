/**
 * One recorded answer: the lines of a native stream that ended with `done: true`, or the object of an embedding, as they came.
 * The form on the disk carries a checksum: a bit that flips there must not become an answer.
 */
import { crc32 } from 'node:zlib';
import { type JsonObject, parseObject } from '../kernel/json.ts';

export interface RecordingFacts {
  readonly model: string;
  readonly tenant: string;
  readonly recordedAtMs: number;
  /** Of the weights that made it, as far as that was known. */
  readonly digest?: string | undefined;
}

const checksumBytes = 4;
const lineFeed = 10;
/** Of an entry beside its lines, roughly. */
const overheadBytes = 500;

export class Recording {
  readonly lines: Buffer;
  readonly facts: RecordingFacts;
  /** Words under which it can be thrown away. */
  readonly tags: readonly string[];
  /** The same as one object in JSON, once somebody has made it. */
  whole: string | undefined;
  /** How often this worker gave it out. */
  uses = 0;
  #final: JsonObject | undefined;

  constructor(lines: Buffer, facts: RecordingFacts, tags: readonly string[] = []) {
    this.lines = lines;
    this.facts = facts;
    this.tags = tags;
  }

  /** What it may take of memory, with the object that may be made of it. */
  get bytes(): number {
    return 2 * this.lines.length + overheadBytes;
  }

  get final(): JsonObject {
    this.#final ??= parseObject(lastLine(this.lines).toString()) ?? {};
    return this.#final;
  }
}

export function encodeRecording({ lines, whole = '', facts }: Recording): Buffer {
  const { model, tenant, recordedAtMs, digest } = facts;
  const facing = { model, tenant, digest, recorded_at: recordedAtMs, whole_bytes: Buffer.byteLength(whole) };
  const head = Buffer.from(`${JSON.stringify(facing)}\n${whole}`);
  const encoded = Buffer.concat([Buffer.alloc(checksumBytes), head, lines]);
  encoded.writeUInt32BE(crc32(encoded.subarray(checksumBytes)), 0);
  return encoded;
}

/** @returns undefined when it is not what was written */
export function decodeRecording(stored: Buffer): Recording | undefined {
  if (stored.length <= checksumBytes) return undefined;
  const content = stored.subarray(checksumBytes);
  const end = content.indexOf(lineFeed);
  if (end === -1 || crc32(content) !== stored.readUInt32BE(0)) return undefined;
  // The checksum holds, so it is what was written.
  const head = parseObject(content.toString('utf8', 0, end)) as Head | undefined;
  if (head === undefined) return undefined;
  const { model, tenant, digest, recorded_at: recordedAtMs, whole_bytes: wholeBytes } = head;
  const linesAt = end + 1 + wholeBytes;
  const recording = new Recording(content.subarray(linesAt), { model, tenant, recordedAtMs, digest });
  if (wholeBytes > 0) recording.whole = content.toString('utf8', end + 1, linesAt);
  return recording;
}

interface Head {
  readonly model: string;
  readonly tenant: string;
  readonly digest?: string;
  readonly recorded_at: number;
  readonly whole_bytes: number;
}

function lastLine(lines: Buffer): Buffer {
  const end = lines.at(-1) === lineFeed ? lines.length - 1 : lines.length;
  return lines.subarray(lines.lastIndexOf(lineFeed, end - 1) + 1, end);
}
