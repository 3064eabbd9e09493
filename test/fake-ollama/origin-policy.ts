/** Who may call from a browser: Ollama answers foreign origins and foreign host names with a bare 403. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIPv4, isIPv6 } from 'node:net';

const LOCAL_ORIGIN =
  /^(https?:\/\/(localhost|127\.0\.0\.1|0\.0\.0\.0)(:\d+)?|(app|file|tauri|vscode-webview|vscode-file):\/\/.*)$/;
const LOCAL_NAME = /^$|^localhost$|\.localhost$|\.local$|\.internal$/i;
const PRIVATE_IP = /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|0\.0\.0\.0$|::1?$|f[cd]|::ffff:127\.)/i;
const METHODS = 'GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS';
const ALLOWED_HEADERS = 'Authorization,Content-Type,User-Agent,Accept,X-Requested-With,Openai-Beta';

function isLocalHost(header: string): boolean {
  const host = header.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return LOCAL_NAME.test(host) || ((isIPv4(host) || isIPv6(host)) && PRIVATE_IP.test(host));
}

/** True when the request is already answered: refused, or a preflight. */
export function answeredByOriginPolicy(request: IncomingMessage, response: ServerResponse): boolean {
  const { origin, host } = request.headers;
  const answer = (status: number, headers: Record<string, string> = {}) => {
    response.writeHead(status, { 'Content-Length': 0, ...headers }).end();
    request.resume();
    return true;
  };
  if (origin !== undefined) {
    const isSameHost = origin === `http://${host ?? ''}` || origin === `https://${host ?? ''}`;
    if (!isSameHost && !LOCAL_ORIGIN.test(origin)) return answer(403);
    if (request.method === 'OPTIONS') return answer(204, preflightHeaders(origin));
    if (!isSameHost) response.setHeader('Access-Control-Allow-Origin', origin);
  }
  return isLocalHost(host ?? '') ? false : answer(403);
}

function preflightHeaders(origin: string): Record<string, string> {
  return {
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Methods': METHODS,
    'Access-Control-Allow-Headers': ALLOWED_HEADERS,
    'Access-Control-Max-Age': '43200',
  };
}
