/** An answer under the name that was asked for, and with what a client must be told of it. */
import type { AnswerMarks, NativeStream } from '../../generate.ts';
import { renameObject } from '../../rename-object.ts';

export class DressedAnswer implements NativeStream {
  readonly marks: AnswerMarks;
  readonly #stream: NativeStream;
  readonly #name: string | undefined;
  readonly #onOver: (() => void) | undefined;

  /**
   * @param name undefined where the lines carry the right one
   * @param onOver told when one under another name was read, or is read no further
   */
  constructor(stream: NativeStream, name: string | undefined, marks: AnswerMarks, onOver?: () => void) {
    this.#stream = stream;
    this.#name = name;
    this.marks = marks;
    this.#onOver = onOver;
  }

  get upstream(): string | undefined {
    return this.#stream.upstream;
  }

  get queueMs(): number {
    return this.#stream.queueMs;
  }

  get single(): boolean {
    return this.#stream.single;
  }

  get final(): NativeStream['final'] {
    return this.#stream.final;
  }

  /** What was made of a record holds only under its own name. */
  get record(): NativeStream['record'] {
    return this.#name === undefined ? this.#stream.record : undefined;
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return this.#name === undefined
      ? this.#stream[Symbol.asyncIterator]()
      : renamed(this.#stream, this.#name, this.#onOver);
  }
}

async function* renamed(blocks: AsyncIterable<Buffer>, name: string, onOver?: () => void): AsyncGenerator<Buffer> {
  try {
    for await (const block of blocks) yield renameLines(block, name);
  } finally {
    onOver?.();
  }
}

/** @param block whole lines of JSON objects */
function renameLines(block: Buffer, name: string): Buffer {
  const lines = block.toString().split('\n');
  return Buffer.from(lines.map(line => (line === '' ? line : renameObject(line, name))).join('\n'));
}
