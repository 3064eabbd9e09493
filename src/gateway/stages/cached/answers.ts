/**
 * The forms in which the cache gives an answer out: passed through, passed through and recorded, shared with others, or
 * replayed. All of them may be begun before they are given out, so that a failure in front of the first line is still one
 * that something else can be said instead of.
 */
import type { FlightReader } from '../../../cache/flight.ts';
import type { Recording } from '../../../cache/recording.ts';
import { maxRecordedBytes } from '../../../cache/response-cache.ts';
import { DeciError, toDeciError } from '../../../kernel/errors.ts';
import type { AnswerMarks, NativeStream } from '../../generate.ts';

/** A stream with its marks. */
export class BegunAnswer implements NativeStream, AsyncIterableIterator<Buffer> {
  readonly marks: AnswerMarks;
  protected readonly stream: NativeStream;
  readonly #lines: AsyncIterator<Buffer>;
  #first: IteratorResult<Buffer> | undefined;

  constructor(stream: NativeStream, marks: AnswerMarks, lines: AsyncIterable<Buffer> = stream) {
    this.stream = stream;
    this.marks = marks;
    this.#lines = lines[Symbol.asyncIterator]();
  }

  get upstream(): string | undefined {
    return this.stream.upstream;
  }

  get queueMs(): number {
    return this.stream.queueMs;
  }

  get single(): boolean {
    return this.stream.single;
  }

  get final(): NativeStream['final'] {
    return this.stream.final;
  }

  get blocks(): NativeStream['blocks'] {
    return this.stream.blocks;
  }

  /** Waits for the first line. @throws DeciError when there is none */
  async begin(): Promise<this> {
    if (this.blocks === undefined) this.#first = await this.read();
    return this;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Buffer>> {
    const first = this.#first;
    if (first === undefined) return this.read();
    this.#first = undefined;
    return Promise.resolve(first);
  }

  protected read(): Promise<IteratorResult<Buffer>> {
    return this.#lines.next();
  }

  async return(): Promise<IteratorResult<Buffer>> {
    await this.#lines.return?.();
    return { done: true, value: undefined };
  }
}

/** Who takes the lines, and gives the room for them until then. */
export interface Keeper {
  hold(bytes: number): boolean;
  letGo(bytes: number): void;
  keep(lines: Buffer): void;
}

/** Keeps what passes, and hands it over when the answer turns out to be complete. */
export class RecordedAnswer extends BegunAnswer {
  readonly #keeper: Keeper;
  readonly #signal: AbortSignal;
  #blocks: Buffer[] | undefined = [];
  #bytes = 0;

  constructor(stream: NativeStream, marks: AnswerMarks, keeper: Keeper, signal: AbortSignal) {
    super(stream, marks);
    this.#keeper = keeper;
    this.#signal = signal;
    // Who leaves may never read again, and what was held must be given back all the same.
    signal.addEventListener('abort', this.#forget);
  }

  /** What is recorded is what is read. */
  override get blocks(): undefined {
    return undefined;
  }

  override async return(): Promise<IteratorResult<Buffer>> {
    this.#forget();
    return await super.return();
  }

  /** Without awaiting: it is called for every block of every stream. */
  protected override read(): Promise<IteratorResult<Buffer>> {
    return super.read().then(this.#onRead, this.#onFailure);
  }

  readonly #onRead = (read: IteratorResult<Buffer>): IteratorResult<Buffer> => {
    if (read.done === true) this.#complete();
    else this.#add(read.value);
    return read;
  };

  readonly #onFailure = (error: unknown): never => {
    this.#forget();
    throw error;
  };

  #add(block: Buffer): void {
    if (this.#blocks === undefined) return;
    if (this.#bytes + block.length > maxRecordedBytes || !this.#keeper.hold(block.length)) {
      this.#forget();
      return;
    }
    this.#bytes += block.length;
    this.#blocks.push(block);
  }

  #complete(): void {
    if (this.#blocks !== undefined && isRecordable(this.stream)) this.#keeper.keep(Buffer.concat(this.#blocks));
    this.#forget();
  }

  readonly #forget = (): void => {
    this.#signal.removeEventListener('abort', this.#forget);
    this.#blocks = undefined;
    this.#keeper.letGo(this.#bytes);
    this.#bytes = 0;
  };
}

/** Only what says itself that it is complete, and is an answer: loading a model has an effect that no record has. */
export function isRecordable({ single, final }: NativeStream): boolean {
  return !single && final?.['done'] === true && final['done_reason'] !== 'load' && final['done_reason'] !== 'unload';
}

/** One reader's view of an answer that others read too. */
export class SharedAnswer extends BegunAnswer {
  readonly #reader: FlightReader<NativeStream>;

  constructor(stream: NativeStream, reader: FlightReader<NativeStream>, marks: AnswerMarks) {
    super(stream, marks, reader);
    this.#reader = reader;
  }

  /** Whoever joined has waited for nothing but the answer. */
  override get queueMs(): number {
    return this.marks.cache === 'miss' ? this.stream.queueMs : 0;
  }

  /** What others read as well comes as it is read. */
  override get blocks(): undefined {
    return undefined;
  }

  /** For this reader the answer ends when it has read the end, not when somebody else has. */
  override get final(): NativeStream['final'] {
    return this.#reader.atEnd ? this.stream.final : undefined;
  }
}

/** Read along with another worker: a connection that breaks here is not that to the model server. */
export class FollowedAnswer extends BegunAnswer {
  protected override async read(): Promise<IteratorResult<Buffer>> {
    try {
      return await super.read();
    } catch (thrown) {
      const error = toDeciError(thrown);
      if (error.code !== 'upstream_broken' && error.code !== 'upstream_truncated') throw error;
      throw new DeciError('upstream_broken', { message: 'the worker that read this answer is gone', cause: error });
    }
  }
}

/** A record given out again, in one block. */
export class ReplayedAnswer implements NativeStream {
  readonly upstream = undefined;
  readonly queueMs = 0;
  readonly single = false;
  readonly marks: AnswerMarks;
  readonly record: Recording;

  constructor(record: Recording, marks: AnswerMarks) {
    this.record = record;
    this.marks = marks;
  }

  get final(): NativeStream['final'] {
    return this.record.final;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Buffer> {
    yield this.record.lines;
  }
}
