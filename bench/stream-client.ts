/**
 * Paced streams, read as they come: whether every token arrives once, in order and in its own stream, and how long after
 * it was asked for and sent.
 */
import { connect, type Socket } from 'node:net';
import { model, nowUs, type Pacing, pacedPrompt, pacedTokenPattern } from './answers.ts';
import { ResponseParser } from './response-parser.ts';
import { httpRequest } from './scenarios.ts';

export interface StreamReport {
  /** From the request to its first token. */
  readonly firstTokenMs: number;
  /** From the upstream's write to our read, token by token. */
  readonly tokenMs: readonly number[];
}

/** One connection; streams follow one another on it. */
export class StreamConnection {
  readonly #socket: Socket;
  #stream: OpenStream | undefined;
  #failure: Error | undefined;

  constructor(port: number) {
    const parser = new ResponseParser({
      onBody: bytes => this.#stream?.read(bytes.toString('latin1')),
      onEnd: () => {
        const stream = this.#stream;
        this.#stream = undefined;
        stream?.end(parser.status);
      },
    });
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (bytes: Buffer) => {
      try {
        parser.push(bytes);
      } catch (error) {
        this.#fail(error as Error);
      }
    });
    this.#socket.on('error', error => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('cut: the connection was closed')));
  }

  /** Ends with the stream. @throws Error when it is cut, mixed with another, or incomplete */
  ask(pacing: Pacing): Promise<StreamReport> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const messages = [{ role: 'user', content: pacedPrompt(pacing) }];
    const stream = new OpenStream(pacing);
    this.#stream = stream;
    this.#socket.write(httpRequest('POST', '/api/chat', { model, messages, stream: true }));
    return stream.report.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#stream?.report.reject(this.#failure);
    this.#stream = undefined;
  }
}

class OpenStream {
  readonly report = Promise.withResolvers<StreamReport>();
  readonly #pacing: Pacing;
  readonly #askedUs = nowUs();
  readonly #tokenMs: number[] = [];
  #firstTokenMs = Number.NaN;
  #lines = '';
  #ended = false;

  constructor(pacing: Pacing) {
    this.#pacing = pacing;
  }

  read(text: string): void {
    const readUs = nowUs();
    const end = text.lastIndexOf('\n') + 1;
    const lines = this.#lines + text.slice(0, end);
    this.#lines = text.slice(end);
    for (const [, id, index, sentUs] of lines.matchAll(pacedTokenPattern)) {
      if (id !== this.#pacing.id) throw new Error(`mixed: a token of ${id} in the stream ${this.#pacing.id}`);
      if (Number(index) !== this.#tokenMs.length)
        throw new Error(`cut: token ${index} in place of ${this.#tokenMs.length}`);
      if (this.#tokenMs.length === 0) this.#firstTokenMs = (readUs - this.#askedUs) / 1000;
      this.#tokenMs.push((readUs - Number(sentUs)) / 1000);
    }
    if (lines.includes('"done":true')) this.#ended = true;
  }

  end(status: number): void {
    const { tokens } = this.#pacing;
    if (status === 200 && this.#ended && this.#tokenMs.length === tokens) {
      this.report.resolve({ firstTokenMs: this.#firstTokenMs, tokenMs: this.#tokenMs });
    } else {
      this.report.reject(new Error(`cut: status ${status}, ${this.#tokenMs.length} of ${tokens} tokens`));
    }
  }
}
