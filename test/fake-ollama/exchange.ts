/** One request and its answer, as handlers see them; faults in the body of the answer are applied here, out of their sight. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type JsonObject, parseJson } from './body-json.ts';
import { type BodyOutput, bodyOutput } from './body-output.ts';
import { errorMessageOf, FaultyBody, isBodyFault } from './fault-stream.ts';
import type { Fault } from './faults.ts';
import type { RecordedRequest } from './recorder.ts';
import type { Timing } from './timing.ts';
import { WireError } from './wire-error.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
const NDJSON_HEADERS = { 'Content-Type': 'application/x-ndjson', 'Transfer-Encoding': 'chunked' };

/** Takes the lines of a stream; `write` is false when nothing more may be written. */
export interface LineSink {
  write(line: string): Promise<boolean>;
  end(): void;
}

export interface ExchangeParts {
  request: IncomingMessage;
  response: ServerResponse;
  path: string;
  /** What a route's last path segment matched. */
  parameter: string;
  record: RecordedRequest;
  rawBody: string;
  /** The body where it was parsed for the record already. */
  parsed: JsonObject | undefined;
  fault: Fault | undefined;
  timing: Timing;
  onCut: () => void;
}

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly parameter: string;
  readonly record: RecordedRequest;
  readonly fault: Fault | undefined;
  readonly #rawBody: string;
  readonly #parsed: JsonObject | undefined;
  readonly #timing: Timing;
  readonly #onCut: () => void;
  #abort: AbortController | undefined;

  constructor(parts: ExchangeParts) {
    this.request = parts.request;
    this.response = parts.response;
    this.path = parts.path;
    this.parameter = parts.parameter;
    this.record = parts.record;
    this.fault = parts.fault;
    this.#rawBody = parts.rawBody;
    this.#parsed = parts.parsed;
    this.#timing = parts.timing;
    this.#onCut = parts.onCut;
  }

  body(): JsonObject {
    return this.#parsed ?? parseJson(this.#rawBody);
  }

  get isRawBodyEmpty(): boolean {
    return this.#rawBody.trim() === '';
  }

  /** Aborts when the client closes its connection before the answer is complete. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      if (this.isGone) abort.abort();
      else this.response.once('close', () => this.response.writableFinished || abort.abort());
    }
    return this.#abort.signal;
  }

  get isGone(): boolean {
    return this.response.destroyed && !this.response.writableFinished;
  }

  get hasBodyFault(): boolean {
    return isBodyFault(this.fault);
  }

  output(): BodyOutput {
    return bodyOutput(this.response, this.#onCut);
  }

  /** From here on the end of the connection is this server's doing, not the client's. */
  markCut(): void {
    this.#onCut();
  }

  async json(status: number, value: unknown): Promise<void> {
    await this.jsonText(status, JSON.stringify(value));
  }

  async jsonText(status: number, text: string): Promise<void> {
    if (isBodyFault(this.fault) && status === 200) return this.#faultyJson(this.fault, text);
    this.response.writeHead(status, { 'Content-Type': JSON_TYPE, 'Content-Length': Buffer.byteLength(text) });
    this.response.end(text);
  }

  error(error: WireError): void {
    const text = JSON.stringify({ error: error.message, ...error.extra });
    this.response.writeHead(error.status, { 'Content-Type': JSON_TYPE, 'Content-Length': Buffer.byteLength(text) });
    this.response.end(text);
  }

  text(status: number, text: string): void {
    this.response.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(text) });
    this.response.end(text);
  }

  empty(status: number): void {
    this.response.writeHead(status, { 'Content-Length': 0 });
    this.response.end();
  }

  /** All lines at once: one write, because benchmarks measure what is in front of this server. */
  burst(text: string): void {
    this.response.writeHead(200, NDJSON_HEADERS);
    this.response.end(text);
  }

  lines(total: number): LineSink {
    const output = this.output();
    this.response.writeHead(200, NDJSON_HEADERS);
    if (!isBodyFault(this.fault)) return { write: line => output.write(line), end: () => output.end() };
    const faulty = new FaultyBody(output, this.fault, total, this.#timing);
    return { write: line => faulty.write(line), end: () => output.end() };
  }

  async #faultyJson(fault: Fault, text: string): Promise<void> {
    if (fault.fault === 'error-line') return this.error(new WireError(fault.status ?? 500, errorMessageOf(fault)));
    const isBroken = fault.fault === 'die-mid-stream' || fault.fault === 'hang-mid-stream';
    this.response.writeHead(200, {
      'Content-Type': JSON_TYPE,
      ...(isBroken ? { 'Content-Length': Buffer.byteLength(text) } : {}),
    });
    await new FaultyBody(this.output(), fault, 1, this.#timing).writeWhole(text);
  }
}
