/**
 * Writes one streamed answer: headers with the first byte, heartbeats while nothing comes, back-pressure to the source,
 * and, when it fails, the error in whatever form is still honest at that moment.
 */
import type { LinePlace } from '../../admission/line-entry.ts';
import { type DeciError, toDeciError } from '../../kernel/errors.ts';
import type { RequestContext } from '../request-context.ts';
import { sendError } from '../respond.ts';

export interface StreamFormat {
  readonly contentType: string;
  /** @param line where the request stands, while it waits for its turn */
  heartbeat(line?: LinePlace): string;
  /** The last bytes of an answer that failed after it began. */
  fail(error: DeciError, requestId: string): string;
}

export interface Frames {
  readonly frames: AsyncIterable<Buffer | string>;
  /** Replaces the format's content type, when the source turned out to be something else. */
  readonly contentType?: string | undefined;
  /** Whether the frame that was just given out is the end of the answer. */
  readonly ended?: () => boolean;
  /** Told when the last frame was written, before the answer is ended. */
  readonly onComplete?: () => void;
}

export interface StreamOptions {
  /** Silence after which a heartbeat is sent; `undefined` never sends one. */
  readonly heartbeatMs: number | undefined;
}

/** Never rejects: what goes wrong is told to the client and noted in the context. */
export async function streamAnswer(
  context: RequestContext,
  format: StreamFormat,
  options: StreamOptions,
  open: (signal: AbortSignal) => Promise<Frames>,
): Promise<void> {
  context.beginStream();
  const writer = new StreamWriter(context, format, options.heartbeatMs);
  try {
    const { frames, contentType, ended, onComplete } = await open(context.signal);
    if (contentType !== undefined) writer.contentType = contentType;
    for await (const frame of frames) {
      // Behind the end of the answer nothing may go wrong any more, so nothing is waited for.
      if (frame.length > 0 && !writer.write(frame) && ended?.() !== true) await writer.drained();
    }
    if (ended?.() !== true) context.throwIfAborted();
    onComplete?.();
    writer.end();
  } catch (thrown) {
    const error = toDeciError(thrown);
    writer.fail(error);
    // Whatever else works for this request works for nobody now.
    context.abort(error);
  }
}

class StreamWriter {
  contentType: string;
  readonly #context: RequestContext;
  readonly #format: StreamFormat;
  readonly #heartbeat: NodeJS.Timeout | undefined;

  constructor(context: RequestContext, format: StreamFormat, heartbeatMs: number | undefined) {
    this.#context = context;
    this.#format = format;
    this.contentType = format.contentType;
    if (heartbeatMs !== undefined) this.#heartbeat = setTimeout(() => this.#beat(), heartbeatMs);
  }

  /** False when the client reads more slowly than we write: wait for `drained` before the next. */
  write(frame: Buffer | string): boolean {
    const { res } = this.#context;
    if (!res.headersSent) this.#begin();
    this.#context.bytesOut += Buffer.byteLength(frame);
    this.#heartbeat?.refresh();
    return res.write(frame);
  }

  /** @throws DeciError when the client leaves or the request is ended meanwhile */
  async drained(): Promise<void> {
    const { res, signal } = this.#context;
    this.#context.throwIfAborted();
    if (!res.writableNeedDrain) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = (): void => resolve();
    res.once('drain', done);
    signal.addEventListener('abort', done);
    await promise;
    res.off('drain', done);
    signal.removeEventListener('abort', done);
    this.#context.throwIfAborted();
  }

  end(): void {
    clearTimeout(this.#heartbeat);
    const { res } = this.#context;
    if (!res.headersSent) this.#begin();
    res.end();
  }

  fail(error: DeciError): void {
    clearTimeout(this.#heartbeat);
    const { res, id } = this.#context;
    this.#context.outcome = error.code;
    if (error.code === 'internal') this.#context.unexpected = error;
    if (error.code === 'client_closed') {
      res.destroy();
    } else if (!res.headersSent) {
      sendError(this.#context, error);
    } else {
      res.end(this.#format.fail(error, id));
    }
  }

  #begin(): void {
    const { res, headers } = this.#context;
    this.#context.streamPhase = 'streaming';
    const noBuffering = ['Cache-Control', 'no-cache', 'X-Accel-Buffering', 'no'];
    res.writeHead(200, [...headers, 'Content-Type', this.contentType, ...noBuffering]);
  }

  /** Undefined once something answers. */
  #line(): LinePlace | undefined {
    const { line, upstream } = this.#context;
    return upstream === undefined ? line : undefined;
  }

  #beat(): void {
    const { res } = this.#context;
    if (res.destroyed) return;
    // A client that is slow to read needs no sign of life; it has not even taken the last one.
    if (res.writableNeedDrain) this.#heartbeat?.refresh();
    else this.write(this.#format.heartbeat(this.#line()));
  }
}
