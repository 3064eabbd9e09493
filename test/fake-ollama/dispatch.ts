/** One request from its headers to its answer: record, faults, route, errors. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJsonObject, type JsonObject, parseJson, readBody } from './body-json.ts';
import { Exchange, type ExchangeParts } from './exchange.ts';
import type { FakeServer } from './fake-server.ts';
import { strikeRequest } from './fault-request.ts';
import { modelOfBody } from './handlers-inference.ts';
import { answeredByOriginPolicy } from './origin-policy.ts';
import type { RecordedRequest } from './recorder.ts';
import { findRoute, type Route } from './routes.ts';
import { WireError } from './wire-error.ts';

export async function dispatch(server: FakeServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const record = openRecord(server, request);
  closeRecordWith(server, response, record);
  const found = findRoute(record.path);
  const parts: ExchangeParts = {
    request,
    response,
    path: record.path,
    parameter: found?.parameter ?? '',
    record,
    fault: undefined,
    timing: server.timing,
    onCut: () => server.recorder.close(record, 'cut'),
    ...NO_BODY,
  };
  if (await struck(server, parts, true)) return;
  if (server.options.enforceOrigins && answeredByOriginPolicy(request, response)) return;
  if (!found?.route.rawBody) {
    const body = await readRecorded(server, request, record);
    if (!body) return;
    Object.assign(parts, body);
  }
  if (!parts.fault && (await struck(server, parts, false))) return;
  await answer(server, new Exchange(parts), found?.route);
}

/** True when a fault was the whole answer; other faults stay with the exchange and act on its body. */
async function struck(server: FakeServer, parts: ExchangeParts, isEarly: boolean): Promise<boolean> {
  const fault = server.faults.size === 0 ? undefined : server.faults.take(parts.record, isEarly);
  if (!fault) return false;
  parts.fault = fault;
  parts.record.fault = fault.fault;
  server.recorder.changed();
  return strikeRequest(new Exchange(parts), fault, server.timing);
}

async function answer(server: FakeServer, exchange: Exchange, route: Route | undefined): Promise<void> {
  if (!route) return exchange.text(404, '404 page not found');
  const handler = route.methods[exchange.record.method];
  if (!handler) return exchange.text(405, '405 method not allowed');
  try {
    await handler(server, exchange);
  } catch (error) {
    answerError(exchange, error);
  }
}

function closeRecordWith(server: FakeServer, response: ServerResponse, record: RecordedRequest): void {
  response.once('close', () => {
    record.status = response.headersSent ? response.statusCode : undefined;
    server.recorder.close(record, response.writableFinished ? 'finished' : 'aborted');
  });
}

function openRecord(server: FakeServer, request: IncomingMessage): RecordedRequest {
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
  return server.recorder.open(
    {
      method: request.method ?? 'GET',
      path,
      query,
      headers: request.headers,
      bodyBytes: 0,
      body: undefined,
      model: undefined,
      fault: undefined,
      status: undefined,
      outcome: 'open',
    },
    server.options.recordRequests,
  );
}

interface ReadBody {
  rawBody: string;
  parsed: JsonObject | undefined;
}

const NO_BODY: ReadBody = { rawBody: '', parsed: undefined };

/** Undefined when the client broke off while sending. */
async function readRecorded(
  server: FakeServer,
  request: IncomingMessage,
  record: RecordedRequest,
): Promise<ReadBody | undefined> {
  const bytes = await readBody(request);
  if (!bytes) return undefined;
  if (bytes.length === 0) return NO_BODY;
  record.bodyBytes = bytes.length;
  const rawBody = bytes.toString();
  const parsed = tryParse(rawBody);
  if (bytes.length <= server.options.recordBodyBytes) record.body = parsed;
  record.model = modelOfBody(parsed);
  return { rawBody, parsed };
}

function tryParse(text: string): JsonObject | undefined {
  try {
    const body = parseJson(text);
    return isJsonObject(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

function answerError(exchange: Exchange, error: unknown): void {
  const { response } = exchange;
  if (response.destroyed || response.writableEnded) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  exchange.error(
    error instanceof WireError ? error : new WireError(500, error instanceof Error ? error.message : String(error)),
  );
}
