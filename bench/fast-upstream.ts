/**
 * The upstream of the bench: node:http, answers rendered beforehand, so that what is measured is the server in front.
 * `node bench/fast-upstream.ts` with PORT. A prompt of the form `paced:<id>:<tokens>:<per second>` gets a paced stream.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  chatJson,
  chatLines,
  finalLine,
  nowUs,
  type Pacing,
  pacedToken,
  readPacing,
  tagsJson,
  tokenLine,
  versionJson,
} from './answers.ts';
import { TokenWheel } from './token-wheel.ts';

interface PacedStream {
  readonly pacing: Pacing;
  readonly res: ServerResponse;
  sent: number;
}

const fixed = new Map([
  ['/api/version', versionJson],
  ['/api/tags', tagsJson],
  ['/api/ps', '{"models":[]}'],
]);

const jsonHeaders = ['Content-Type', 'application/json; charset=utf-8'];
const streamHeaders = ['Content-Type', 'application/x-ndjson'];
const wheels = new Map<number, TokenWheel<PacedStream>>();

/** False when the stream has ended. */
function sendToken(stream: PacedStream): boolean {
  const { pacing, res } = stream;
  if (res.destroyed) return false;
  res.write(tokenLine(pacedToken(pacing.id, stream.sent++, nowUs())));
  if (stream.sent < pacing.tokens) return true;
  res.end(finalLine);
  return false;
}

function startPaced(res: ServerResponse, pacing: Pacing): void {
  const stream = { pacing, res, sent: 0 };
  res.writeHead(200, streamHeaders);
  if (!sendToken(stream)) return;
  const wheel = wheels.get(pacing.perSecond) ?? new TokenWheel(pacing.perSecond, sendToken);
  wheels.set(pacing.perSecond, wheel);
  wheel.add(stream);
}

/** Of a member that is there twice the last one counts, as in Ollama. */
function isWhole(body: string): boolean {
  return body.lastIndexOf('"stream":false') > body.lastIndexOf('"stream":true');
}

function answerChat(res: ServerResponse, body: string): void {
  const pacing = readPacing(body);
  if (pacing !== undefined) {
    startPaced(res, pacing);
  } else if (isWhole(body)) {
    sendJson(res, chatJson);
  } else {
    res.writeHead(200, streamHeaders);
    // Two calls, so that the answer is chunked, as a stream is.
    res.write(chatLines);
    res.end();
  }
}

function sendJson(res: ServerResponse, body: string | Buffer): void {
  res.writeHead(200, [...jsonHeaders, 'Content-Length', String(Buffer.byteLength(body))]).end(body);
}

function answer(req: IncomingMessage, res: ServerResponse): void {
  const known = fixed.get(req.url ?? '');
  if (known !== undefined) {
    sendJson(res, known);
    return;
  }
  let body = '';
  req.setEncoding('latin1');
  req.on('data', (text: string) => {
    body += text;
  });
  req.on('end', () => answerChat(res, body));
}

const server = createServer({ keepAliveTimeout: 120_000 }, answer);
server.listen(Number(process.env['PORT']), '127.0.0.1');
