/** The ways to answer whole: JSON, text, nothing, or an error in the caller's dialect. Streams are in http/stream. */
import type { DeciError } from '../kernel/errors.ts';
import { renderAnthropicError } from './dialects/anthropic-error.ts';
import type { ErrorDialect } from './dialects/dialect.ts';
import { renderOpenAiError } from './dialects/openai-error.ts';
import { renderProblem } from './dialects/problem.ts';
import type { RequestContext } from './request-context.ts';

const jsonType = 'application/json; charset=utf-8';

export function sendJson(context: RequestContext, value: unknown, status = 200): void {
  sendBody(context, status, jsonType, JSON.stringify(value));
}

/** @param json already written */
export function sendJsonText(context: RequestContext, json: string): void {
  sendBody(context, 200, jsonType, json);
}

export function sendText(context: RequestContext, status: number, text: string): void {
  sendBody(context, status, 'text/plain; charset=utf-8', text);
}

export function sendEmpty(context: RequestContext, status: number): void {
  context.res.writeHead(status, [...context.headers, 'Content-Length', '0']).end();
}

export function sendBody(context: RequestContext, status: number, type: string, body: string | Buffer): void {
  const { res, headers } = context;
  const bytes = Buffer.byteLength(body);
  if (context.req.method !== 'HEAD') context.bytesOut = bytes;
  res.writeHead(status, [...headers, 'Content-Type', type, 'Content-Length', String(bytes)]);
  if (context.lingers) res.write(body);
  else res.end(body);
}

/** Tells an error before anything was sent. Behind the first byte the stream's renderer does it instead. */
export function sendError(context: RequestContext, error: DeciError): void {
  context.outcome = error.code;
  if (error.code === 'internal') context.unexpected = error;
  if (context.res.headersSent) {
    context.res.destroy();
    return;
  }
  context.headers.push(...errorHeaders(error));
  switch (error.code) {
    case 'route_not_found':
    case 'method_not_allowed':
      // To the letter what Ollama's router answers, without a charset.
      sendBody(context, error.status, 'text/plain', error.message);
      break;
    case 'origin_not_allowed':
    case 'host_not_allowed':
      sendEmpty(context, error.status);
      break;
    default: {
      const type = context.dialect === 'problem' ? 'application/problem+json' : jsonType;
      sendBody(context, error.status, type, JSON.stringify(renderError(context.dialect, error, context.id)));
    }
  }
}

function errorHeaders(error: DeciError): string[] {
  const headers: string[] = [];
  if (error.allow !== undefined) headers.push('Allow', error.allow.join(', '));
  // A 401 of the model server is about its own account, and no key of ours would help.
  if (error.status === 401 && error.fault === 'client') headers.push('WWW-Authenticate', 'Bearer realm="deci"');
  const isBusy = error.status === 503 && error.fault !== 'client';
  if (isBusy || (error.status === 429 && error.code !== 'upstream_refused'))
    headers.push('Retry-After', String(error.retryAfterSeconds ?? 5));
  // Of an error in Ollama's own words we know nothing more than its status says.
  const maySay = error.status >= 500 || error.status === 429;
  if (maySay && error.code !== 'upstream_refused') headers.push('x-should-retry', String(error.retryable));
  return headers;
}

function renderError(dialect: ErrorDialect, error: DeciError, requestId: string): object {
  switch (dialect) {
    case 'ollama':
      return renderOllamaError(error, requestId);
    case 'openai':
      return renderOpenAiError(error, requestId);
    case 'anthropic':
      return renderAnthropicError(error, requestId);
    case 'problem':
      return renderProblem(error, requestId);
    default:
      return dialect satisfies never;
  }
}

/** Ollama's own words stay verbatim; ours name the request, so that its log line can be found. */
function renderOllamaError(error: DeciError, requestId: string): object {
  const text = error.fault === 'client' || error.code === 'upstream_refused' || error.code === 'upstream_failed';
  return { error: text ? error.message : `${error.message} (request ${requestId})`, ...error.extra };
}
