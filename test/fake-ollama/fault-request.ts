/** Faults that strike before a handler runs: instead of an answer, or before it. */
import type { Exchange } from './exchange.ts';
import type { Fault, FaultName } from './faults.ts';
import type { Timing } from './timing.ts';
import { serverBusy, WireError } from './wire-error.ts';

const CONTENT_TYPES = { json: 'application/json; charset=utf-8', html: 'text/html', plain: 'text/plain' } as const;
const HTML_PAGE = '<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>It works!</h1></body></html>';
const HEADER_BOMB_BYTES = 200_000;
const DEFAULT_SLOW_MS = 1000;

/** True when the fault was the whole answer. */
type Strike = (exchange: Exchange, fault: Fault, timing: Timing) => boolean | Promise<boolean>;

const refuseWith = (error: (exchange: Exchange, fault: Fault) => WireError): Strike => {
  return (exchange, fault) => {
    exchange.error(error(exchange, fault));
    return true;
  };
};

const STRIKES: Partial<Record<FaultName, Strike>> = {
  slow: async (exchange, fault, timing) => {
    await timing.sleep(fault.ms ?? DEFAULT_SLOW_MS, exchange.signal);
    return exchange.isGone;
  },
  hang: async exchange => {
    await exchange.output().closed();
    return true;
  },
  reset: exchange => {
    exchange.output().cut(true);
    return true;
  },
  'busy-503': refuseWith(serverBusy),
  'load-failure': refuseWith(
    (_, fault) => new WireError(500, fault.message ?? 'llama runner process has terminated: exit status 2'),
  ),
  'crash-embed-400': refuseWith((exchange, fault) => crashedEmbedding(exchange.path, fault)),
  status: (exchange, fault) => sendStatus(exchange, fault, fault.status ?? 500, fault.kind ?? 'json'),
  'html-200': (exchange, fault) => sendStatus(exchange, fault, 200, 'html'),
  'header-linebreak': sendRaw,
  'header-bomb': sendRaw,
};

export async function strikeRequest(exchange: Exchange, fault: Fault, timing: Timing): Promise<boolean> {
  return (await STRIKES[fault.fault]?.(exchange, fault, timing)) ?? false;
}

/** The newer endpoint calls every failure of the runner a bad request, the older one does not. */
function crashedEmbedding(path: string, fault: Fault): WireError {
  const message = fault.message ?? 'do embedding request: Post "http://127.0.0.1:39127/v1/embeddings": EOF';
  return new WireError(path === '/api/embeddings' ? 500 : 400, message);
}

function sendStatus(exchange: Exchange, fault: Fault, status: number, kind: 'json' | 'html' | 'plain'): boolean {
  const defaults = {
    json: JSON.stringify({ error: fault.message ?? `fault ${status}` }),
    html: HTML_PAGE,
    plain: `fault ${status}`,
  };
  exchange.response.writeHead(status, { 'Content-Type': CONTENT_TYPES[kind], ...fault.headers });
  exchange.response.end(fault.body ?? defaults[kind]);
  return true;
}

/** Node refuses to send such headers itself, so they go straight to the socket. */
async function sendRaw(exchange: Exchange, fault: Fault): Promise<boolean> {
  const { socket } = exchange.response;
  if (!socket) return true;
  const body = fault.body ?? '{"models":[]}';
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n`;
  const closed = exchange.output().closed();
  exchange.markCut();
  socket.end(`${head}${fault.fault === 'header-bomb' ? bombHeaders(fault) : brokenHeader(fault)}\r\n${body}`);
  await closed;
  return true;
}

function bombHeaders(fault: Fault): string {
  const filling = 'x'.repeat(1000);
  const count = Math.ceil((fault.bytes ?? HEADER_BOMB_BYTES) / 1016);
  return Array.from(
    { length: count },
    (_, index) => `X-Filling-${String(index).padStart(4, '0')}: ${filling}\r\n`,
  ).join('');
}

function brokenHeader(fault: Fault): string {
  const smuggled = fault.variant === 'legal' ? 'X-Injected: yes' : 'bogus line without a colon';
  return `X-Note: before\r\n${smuggled}\r\n`;
}
