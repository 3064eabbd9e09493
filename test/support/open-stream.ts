/** A streamed answer, read as it comes, and judged at its end. */
import { type Agent, type IncomingMessage, request } from 'node:http';
import type { Target } from './keep-alive-load.ts';

export interface OpenStream {
  readonly status: number;
  /** Resolves when the first bytes are there; also when the answer ended without any. */
  readonly first: Promise<void>;
  readonly ended: Promise<StreamEnd>;
  /** The client goes away. */
  leave(): void;
}

export interface StreamEnd {
  readonly text: string;
  /** Whether the answer ended as HTTP says it must; false when the connection broke. */
  readonly whole: boolean;
}

const streamMs = 60_000;

/** Resolves with the headers. @throws when the connection fails before them */
export async function openStream(
  { url, key, socketPath }: Target,
  body: unknown,
  agent: Agent | false = false,
  more: Readonly<Record<string, string>> = {},
): Promise<OpenStream> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { 'Content-Type': 'application/json', ...more, ...(key === undefined ? {} : { 'x-api-key': key }) };
  const signal = AbortSignal.timeout(streamMs);
  const where = socketPath === undefined ? {} : { socketPath };
  request(url, { method: 'POST', headers, agent, signal, ...where }, resolve)
    .once('error', reject)
    .end(JSON.stringify(body));
  const res = await promise;
  const first = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<StreamEnd>();
  let text = '';
  res.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    first.resolve();
  });
  res.on('error', () => undefined);
  res.once('close', () => {
    first.resolve();
    ended.resolve({ text, whole: res.complete });
  });
  return { status: res.statusCode ?? 0, first: first.promise, ended: ended.promise, leave: () => res.destroy() };
}

export interface NativeLine {
  readonly message?: { readonly content: string };
  readonly done?: boolean;
  readonly error?: string;
}

export function nativeLines(text: string): NativeLine[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as NativeLine);
}

/** What a native chat stream said; undefined unless it said that it is done, once, in its last line. */
export function doneContent({ text, whole }: StreamEnd): string | undefined {
  if (!whole) return undefined;
  const lines = nativeLines(text);
  const ends = lines.filter(line => line.done === true || line.error !== undefined);
  if (ends.length !== 1 || lines.at(-1)?.done !== true) return undefined;
  return lines.map(line => line.message?.content ?? '').join('');
}
