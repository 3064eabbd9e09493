/** The server under a conformance check, and the small client the checks share. */
import assert from 'node:assert/strict';
import { request } from 'node:http';

export interface Target {
  readonly url: string;
  /** For a server that asks for one. */
  readonly key?: string | undefined;
  /** A model that can chat; checks that generate are skipped without one. */
  readonly model: string | undefined;
  /** A model that embeds. */
  readonly embedModel: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const answerMs = 120_000;

/** A body that is not a string goes as JSON, without a content type: Ollama asks for none. */
export function ask(
  { url, key }: Target,
  path: string,
  { method, headers = {}, body }: Question = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const options = {
    method: method ?? (text === undefined ? 'GET' : 'POST'),
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...headers,
      ...(text === undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) }),
    },
    agent: false,
    signal: AbortSignal.timeout(answerMs),
  };
  const req = request(new URL(path, url), options, res => {
    const chunks: Buffer[] = [];
    res.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
    res.on('end', () => {
      const { statusCode: status = 0, headers: given } = res;
      resolve({ status, type: given['content-type'] ?? '', headers: given, text: Buffer.concat(chunks).toString() });
    });
  });
  req.on('error', reject).end(text);
  return promise;
}

export function json(answer: Answer): Record<string, unknown> {
  return JSON.parse(answer.text) as Record<string, unknown>;
}

/** The objects of an NDJSON answer. */
export function lines(answer: Answer): Array<Record<string, unknown>> {
  assert.ok(answer.text.endsWith('\n'), 'the last line has an end');
  const texts = answer.text.slice(0, -1).split('\n');
  return texts.map(text => JSON.parse(text) as Record<string, unknown>);
}

/** The data of an SSE answer, without comments. */
export function events(answer: Answer): string[] {
  return [...answer.text.matchAll(/^data: (.*)$/gm)].map(match => match[1] ?? '');
}

export function refused(answer: Answer, status: number, text: string | RegExp): void {
  assert.equal(answer.status, status, answer.text);
  const error = json(answer)['error'];
  if (typeof text === 'string') assert.equal(error, text);
  else assert.match(String(error), text);
}
