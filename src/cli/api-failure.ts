/** What went wrong between the command and the server, in words that name the fix, and whether it may pass by itself. */
import { CommandFailure, type ExitCode, exitCodes } from '../kernel/exit-codes.ts';
import type { ExchangeError, HttpAnswer, HttpRequest } from '../kernel/http-exchange.ts';
import { isObject, type JsonObject } from '../kernel/json.ts';
import { printable } from './printable.ts';

export class ApiFailure extends CommandFailure {
  /** Whether a server that is just restarting may cause it. */
  readonly transient: boolean;

  constructor(exitCode: ExitCode, message: string, transient = false) {
    super(exitCode, message);
    this.name = 'ApiFailure';
    this.transient = transient;
  }
}

export interface Attempt {
  /** Of the server, as the user knows it. */
  readonly base: string;
  readonly path: string;
  readonly method: HttpRequest['method'];
  readonly hasKey: boolean;
}

const maxWords = 500;

/** No whole answer came. */
export function unanswered({ base, method }: Attempt, { code, sent, message }: ExchangeError): ApiFailure {
  const unsure = sent && method !== 'GET';
  const exitCode = unsure ? exitCodes.failed : exitCodes.preflight;
  const warning = unsure ? ' It may have been done all the same: look before you try again.' : '';
  const transient = !code.startsWith('HPE_') && !isNameOrTls(code);
  return new ApiFailure(exitCode, `${sentence(base, code, message)}${warning}`, transient);
}

function sentence(base: string, code: string, message: string): string {
  if (code === 'TIMEOUT') return `Deci did not answer on ${base} in time (${message}): look at npm run status.`;
  if (code === 'TOO_LARGE') return `${base} sent more than an answer of Deci can be: check DECI_URL.`;
  if (code.startsWith('HPE_')) return `What answers on ${base} is not Deci (it does not speak HTTP): check DECI_URL.`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `${base} names a host that is not known: check DECI_URL.`;
  if (isNameOrTls(code)) return `${base} cannot be trusted (${printable(message)}): check DECI_URL.`;
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return `${base} broke the connection before it had answered: try again.`;
  return `Deci does not answer on ${base}${code === 'ECONNREFUSED' ? '' : ` (${code})`}: start it with npm start, or set DECI_URL.`;
}

function isNameOrTls(code: string): boolean {
  return /^(?:ENOTFOUND$|ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|EPROTO$)/.test(code);
}

/** An answer that is no success. */
export function refused(attempt: Attempt, { status }: HttpAnswer, body: JsonObject): ApiFailure {
  const lines = [wordsOf(body) ?? `status ${status}`, textOf(body['hint'])];
  if (status === 401 && !attempt.hasKey) lines.push('No key was sent: set DECI_KEY, or DECI_KEY_FILE.');
  const id = textOf(body['request_id']);
  const told = lines.filter(line => line !== undefined).join('\n  ');
  const message = `${attempt.base} refused (${status}): ${told}${id === undefined ? '' : `\n  Request id ${id}`}`;
  const exitCode = status === 401 || status === 403 ? exitCodes.preflight : exitCodes.failed;
  return new ApiFailure(exitCode, message, status >= 500 || status === 429);
}

/** An answer that no Deci would give here. */
export function notDeci({ base, path, method }: Attempt, { status, contentType }: HttpAnswer): ApiFailure {
  const kind = printable(contentType.split(';')[0] ?? '').slice(0, maxWords) || 'no content type';
  const exitCode = method === 'GET' || status >= 300 ? exitCodes.preflight : exitCodes.failed;
  const message = `What answers on ${base} is not Deci, or a version of it without ${path} (status ${status}, ${kind}): check DECI_URL.`;
  return new ApiFailure(exitCode, message, status >= 500);
}

/** RFC 9457, and the two other shapes in which our routes tell an error. */
function wordsOf(body: JsonObject): string | undefined {
  const { error } = body;
  const nested = isObject(error) ? error['message'] : error;
  return textOf(body['detail']) ?? textOf(nested) ?? textOf(body['title']);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? printable(value.slice(0, maxWords)) : undefined;
}
