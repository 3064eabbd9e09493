import type { Request, Response } from 'express';
import type { LinePlace } from '../admission/line-entry.ts';
import type { Priority } from '../admission/queue-order.ts';
import type { Principal } from '../auth/principal.ts';
import { DeciError } from '../kernel/errors.ts';
import type { RequiredRole } from '../kernel/role.ts';
import type { Listed } from '../kernel/swap-list.ts';
import type { ErrorDialect } from './dialects/dialect.ts';

/** What a route says of itself, apart from who handles it. */
export interface RouteInfo {
  /** `/literal`, `/:name` for one segment, `/*name` for the rest of the path. */
  readonly path: string;
  readonly dialect: ErrorDialect;
  /** The least that the caller must be allowed to do. */
  readonly role: RequiredRole;
  /** `none` is not read at all, `stream` is read by the handler, the others arrive whole and bounded. */
  readonly body: 'none' | 'json' | 'inference' | 'upload' | 'stream';
  /** Which of the limits counts the request; `exempt` ones are never counted. */
  readonly rate: 'exempt' | 'default' | 'create' | 'execute';
  /** Which time limits hold: ours for short answers, those of a generation, or silence alone. */
  readonly time: 'short' | 'inference' | 'transfer';
  /** The class of requests that do not say one; interactive where it is absent. */
  readonly usually?: Priority;
}

/** Where the answer is from, as its headers say, or its end where those had left before. */
export interface RequestMarks {
  readonly cache: string;
  readonly degraded: string | undefined;
  readonly cacheKey: string | undefined;
  /** The model that answered, where it has another name than the one that was asked for. */
  readonly model?: string | undefined;
  /** What of the request was changed by policy. */
  readonly adjusted?: readonly string[] | undefined;
  readonly late: boolean;
}

/**
 * Everything one request carries from step to step: its id, its route, its body, its signal, and what the access log will
 * say of it. Created by the first step, owned by the request, never shared.
 */
export class RequestContext implements Listed {
  place = -1;
  readonly id: string;
  readonly req: Request;
  readonly res: Response;
  /** Taken at once: the socket may be gone when the log wants it. */
  address = '';
  /** Monotonic, in ms. */
  readonly startedAt = performance.now();
  route: RouteInfo | undefined;
  /** What answers this request; set together with `route`. */
  handler: ((context: RequestContext) => void | Promise<void>) | undefined;
  /** Who asks; set before any handler runs. */
  principal: Principal | undefined;
  pathAndQuery = '/';
  /** Values of the route's `:names`, decoded. */
  params: Readonly<Record<string, string>> = {};
  body: Buffer = empty;
  /** How large the body will be, as far as anybody knows before it is read whole. */
  announcedBytes = 0;
  /** Response headers that every answer of this request carries, as a flat list for `writeHead`. */
  readonly headers: string[];
  upstream: string | undefined;
  model: string | undefined;
  /** How long it waited for a slot; undefined when it did not. */
  queueMs: number | undefined;
  /** How far it is in the line; undefined when it never stood in one. */
  line: LinePlace | undefined;
  marks: RequestMarks | undefined;
  promptTokens: number | undefined;
  outputTokens: number | undefined;
  /** Bytes of the answer's body. */
  bytesOut = 0;
  /** How far the answer has come as a stream; undefined for one that is none. */
  streamPhase: 'waiting' | 'streaming' | undefined;
  invited = false;
  /** An error answer that is written, and ended only when the client has stopped sending. */
  lingers = false;
  /** What nobody foresaw, if that is what ended the request. */
  unexpected: DeciError | undefined;
  /** Why the request ended as it did; `complete` unless something went wrong. */
  outcome = 'complete';
  #abort: AbortController | undefined;
  #abortReason: DeciError | undefined;
  #deadline: NodeJS.Timeout | undefined;
  readonly #onStream: (context: RequestContext) => void;

  constructor(id: string, req: Request, res: Response, onStream: (context: RequestContext) => void = () => undefined) {
    this.#onStream = onStream;
    this.id = id;
    this.req = req;
    this.res = res;
    this.headers = ['X-Request-Id', id];
  }

  /** How errors of this request are told. Before a route is known, the path decides. */
  get dialect(): ErrorDialect {
    return this.route?.dialect ?? dialectOf(this.req.url);
  }

  /** Fires when the client leaves or the worker must end the request. Made on first use: most short routes never wait. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#abortReason !== undefined) this.#abort.abort(this.#abortReason);
    return this.#abort.signal;
  }

  /** Memory that it holds by itself, roughly: its body as it came, and what of the answer is not taken yet, or was made whole. */
  get heldBytes(): number {
    return this.body.length + (this.streamPhase === undefined ? this.bytesOut : this.res.writableLength);
  }

  /** The answer will be a stream: it is counted as open until the request ends. */
  beginStream(): void {
    if (this.streamPhase !== undefined) return;
    this.streamPhase = 'waiting';
    this.#onStream(this);
  }

  /** Tells a client that asked first (`Expect: 100-continue`) to send its body. */
  invite(): void {
    if (this.req.headers.expect === undefined || this.invited) return;
    this.invited = true;
    this.res.writeContinue();
  }

  /** At the latest so long after it came, whatever it waits for; said again, the first holds. */
  endAfter(timeoutMs: number): void {
    if (this.#deadline !== undefined) return;
    const leftMs = Math.max(0, timeoutMs - (performance.now() - this.startedAt));
    this.#deadline = setTimeout(() => this.abort(new DeciError('total_timeout')), leftMs);
    this.res.once('close', () => clearTimeout(this.#deadline));
  }

  abort(reason: DeciError): void {
    this.#abortReason ??= reason;
    this.#abort?.abort(this.#abortReason);
  }

  /** Throws what ended the request, if something did: for steps that come back from a wait. */
  throwIfAborted(): void {
    if (this.#abortReason !== undefined) throw this.#abortReason;
  }
}

const empty = Buffer.alloc(0);

function dialectOf(url: string): ErrorDialect {
  if (url.startsWith('/v1/messages')) return 'anthropic';
  return url.startsWith('/v1/') ? 'openai' : 'ollama';
}
