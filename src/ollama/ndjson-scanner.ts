/**
 * Watches the bytes of a native stream go by: cuts them at line ends, finds the line that ends the answer, and the line
 * that says it failed. Most lines are never parsed: one look at their bytes proves that they are an ordinary chunk.
 *
 * Invariants: what `push` returns are whole lines, in order, untouched; at most `maxLineBytes` wait for their line end.
 */
import { DeciError } from '../kernel/errors.ts';
import { parseObject } from '../kernel/json.ts';

/** The Go client reads lines of at most 8 MB; a longer one would reach nobody. */
const maxLineBytes = 8 * 1024 * 1024;

const lineFeed = 10;
const openBrace = 123;
const ordinaryTail = Buffer.from(',"done":false}\n');
const errorKey = Buffer.from('"error"');

/** The last line of an answer, parsed: `done: true` with its reason and its counts. */
export type FinalLine = Readonly<Record<string, unknown>>;

export interface Scanned {
  /** Whole lines, each with its line end; `undefined` when none is complete yet. */
  readonly lines: Buffer | undefined;
  /** Set when the answer failed behind those lines. Nothing after it counts. */
  readonly failure: DeciError | undefined;
}

const nothing: Scanned = { lines: undefined, failure: undefined };

/** What a kind of stream looks like: which lines need no parsing (they hold no `"error"`), and which one ends it. */
export interface LineKind {
  isOrdinary(block: Buffer, start: number, next: number): boolean;
  isFinal(line: Readonly<Record<string, unknown>>): boolean;
}

/** Answers of generate and chat. */
export const generationLines: LineKind = {
  isOrdinary: isOrdinaryChunk,
  // A rendered prompt is all that such a debugging request asks for.
  isFinal: line => line['done'] === true || line['_debug_info'] !== undefined,
};

/** Progress of pull, push and create: few lines, each worth parsing. */
export const progressLines: LineKind = {
  isOrdinary: () => false,
  isFinal: line => line['status'] === 'success',
};

export class NdjsonScanner {
  /** The line that ended the answer; nothing after it is passed on. */
  final: FinalLine | undefined;
  readonly #kind: LineKind;
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(kind: LineKind) {
    this.#kind = kind;
  }

  push(chunk: Buffer): Scanned {
    if (this.final !== undefined) return nothing;
    const end = chunk.lastIndexOf(lineFeed) + 1;
    if (end === 0) return this.#keep(chunk);
    const block =
      this.#rest.length === 0 ? chunk.subarray(0, end) : Buffer.concat([...this.#rest, chunk.subarray(0, end)]);
    this.#rest = [];
    this.#restBytes = 0;
    const scanned = this.#scan(block);
    if (scanned.failure !== undefined || this.final !== undefined || end === chunk.length) return scanned;
    const kept = this.#keep(chunk.subarray(end));
    return { lines: scanned.lines, failure: kept.failure };
  }

  /** The stream has ended. A last line without a line end still counts (Ollama answers so when it only loads a model). */
  end(): Scanned {
    if (this.final !== undefined) return nothing;
    if (this.#restBytes > 0) {
      const last = Buffer.concat([...this.#rest, Buffer.from('\n')]);
      this.#rest = [];
      this.#restBytes = 0;
      const scanned = parseObject(last.toString('utf8')) === undefined ? truncated : this.#scan(last);
      if (scanned.failure !== undefined || this.final !== undefined) return scanned;
      return { lines: scanned.lines, failure: truncated.failure };
    }
    return truncated;
  }

  #keep(chunk: Buffer): Scanned {
    this.#rest.push(chunk);
    this.#restBytes += chunk.length;
    if (this.#restBytes <= maxLineBytes) return nothing;
    return { lines: undefined, failure: invalid('a line longer than 8 MB') };
  }

  #scan(block: Buffer): Scanned {
    let start = 0;
    // Looked for once a block, not once a line, or each line would search through all that follow it.
    let errorAt = indexOrEnd(block, errorKey, 0);
    while (start < block.length) {
      const next = block.indexOf(lineFeed, start) + 1;
      if (errorAt < start) errorAt = indexOrEnd(block, errorKey, start);
      const failure =
        errorAt >= next && this.#isOrdinary(block, start, next) ? undefined : this.#scanLine(block, start, next);
      if (failure !== undefined) return { lines: head(block, start), failure };
      if (this.final !== undefined) return { lines: head(block, next), failure: undefined };
      start = next;
    }
    return { lines: block, failure: undefined };
  }

  #isOrdinary(block: Buffer, start: number, next: number): boolean {
    return next - start <= maxLineBytes && this.#kind.isOrdinary(block, start, next);
  }

  /** Sets `final` on the last line; returns why the answer failed, if it did. */
  #scanLine(block: Buffer, start: number, next: number): DeciError | undefined {
    if (next - start > maxLineBytes) return invalid('a line longer than 8 MB');
    const line = parseObject(block.toString('utf8', start, next));
    if (line === undefined) return invalid('a line that is not a JSON object');
    if (typeof line['error'] === 'string') {
      return new DeciError('upstream_failed', { message: line['error'] || undefined });
    }
    if (this.#kind.isFinal(line)) this.final = line;
    return undefined;
  }
}

const truncated: Scanned = {
  lines: undefined,
  get failure() {
    return new DeciError('upstream_truncated');
  },
};

function invalid(what: string): DeciError {
  return new DeciError('upstream_invalid', { message: `the model server sent ${what}` });
}

function indexOrEnd(block: Buffer, what: Buffer, from: number): number {
  const at = block.indexOf(what, from);
  return at === -1 ? block.length : at;
}

function head(block: Buffer, end: number): Buffer | undefined {
  return end === 0 ? undefined : block.subarray(0, end);
}

/**
 * A line that ends with `,"done":false}` says so of itself, not of something inside it: the brace is the line's own, and the
 * comma proves that the quote behind it opens a key, since inside a string it would be escaped.
 */
function isOrdinaryChunk(block: Buffer, start: number, next: number): boolean {
  if (block[start] !== openBrace) return false;
  const tail = next - ordinaryTail.length;
  if (tail <= start) return false;
  // Byte by byte: a call into native code for so few bytes costs more than the comparison.
  for (let i = 0; i < ordinaryTail.length; i++) if (block[tail + i] !== ordinaryTail[i]) return false;
  return true;
}
