/**
 * Reads HTTP/1.1 responses off a keep-alive connection, as cheaply as they can be read: a load client that costs more than
 * the server would measure itself. Knows `Content-Length` and chunked bodies, which is all that the servers here send.
 *
 * States: `head` -> `counted` | `size` -> `data` -> `size` ... -> `trailer` -> `head`.
 */

export interface ResponseSink {
  /** The bytes are only valid during the call. */
  onBody(bytes: Buffer): void;
  /** The answer is complete; `status` of the parser is still its status. */
  onEnd(): void;
}

const lineFeed = 10;
const headEnd = Buffer.from('\r\n\r\n');

export class ResponseParser {
  status = 0;
  readonly #sink: ResponseSink;
  #state: 'head' | 'counted' | 'size' | 'data' | 'trailer' = 'head';
  /** Bytes of the body, or of the chunk with its line end, that are still to come. */
  #left = 0;
  #rest: Buffer | undefined;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** Whether an answer has begun that has not ended. */
  get inAnswer(): boolean {
    return this.#state !== 'head' || this.#rest !== undefined;
  }

  /** @throws Error when the bytes are not a response of the kind described above */
  push(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    let at = 0;
    while (at < bytes.length) {
      const next = this.#step(bytes, at);
      if (next === at) break;
      at = next;
    }
    // The caller reuses its buffer, so what waits for its other half is copied.
    if (at < bytes.length) this.#rest = Buffer.from(bytes.subarray(at));
  }

  /** Where to go on; the same place when more bytes are needed. */
  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.#head(bytes, at);
      case 'counted':
        return this.#counted(bytes, at);
      case 'data':
        return this.#data(bytes, at);
      case 'size':
      case 'trailer':
        return this.#line(bytes, at);
      default:
        return this.#state satisfies never;
    }
  }

  #head(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(headEnd, at);
    if (end === -1) return at;
    const head = bytes.toString('latin1', at, end);
    if (!head.startsWith('HTTP/1.1 ')) throw new Error(`not a response: ${head.slice(0, 40)}`);
    this.status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) {
      if (!/\r\ntransfer-encoding: *chunked/i.test(head)) throw new Error('a response without a length');
      this.#state = 'size';
    } else {
      this.#left = Number(length);
      this.#state = 'counted';
      if (this.#left === 0) this.#end();
    }
    return end + 4;
  }

  #counted(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    this.#sink.onBody(bytes.subarray(at, end));
    if (this.#left === 0) this.#end();
    return end;
  }

  #data(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    const dataEnd = Math.min(end, at + this.#left - 2);
    this.#left -= end - at;
    if (dataEnd > at) this.#sink.onBody(bytes.subarray(at, dataEnd));
    if (this.#left === 0) this.#state = 'size';
    return end;
  }

  #line(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(lineFeed, at);
    if (end === -1) return at;
    if (this.#state === 'trailer') {
      if (end - at <= 1) this.#end();
      return end + 1;
    }
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16);
    if (!(size >= 0)) throw new Error('a chunk without a size');
    this.#left = size + 2;
    this.#state = size === 0 ? 'trailer' : 'data';
    return end + 1;
  }

  #end(): void {
    this.#state = 'head';
    this.#sink.onEnd();
  }
}
