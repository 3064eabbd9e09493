/**
 * Cross-origin requests, decided as Ollama decides them: an Origin that is not allowed is refused on every request, not only
 * on a preflight, because a page that cannot read the answer could still start a generation.
 */

const defaultOrigins = [
  ...['localhost', '127.0.0.1', '0.0.0.0'].flatMap(host => [
    `http://${host}`,
    `https://${host}`,
    `http://${host}:*`,
    `https://${host}:*`,
  ]),
  'app://*',
  'file://*',
  'tauri://*',
  'vscode-webview://*',
  'vscode-file://*',
];

const stainless = [
  'arch',
  'async',
  'custom-poll-interval',
  'helper-method',
  'lang',
  'os',
  'package-version',
  'poll-helper',
  'retry-count',
  'runtime',
  'runtime-version',
  'timeout',
];

const allowedHeaders = [
  'Authorization',
  'Content-Type',
  'User-Agent',
  'Accept',
  'X-Requested-With',
  'OpenAI-Beta',
  ...stainless.map(name => `x-stainless-${name}`),
  'x-api-key',
  'anthropic-version',
  'anthropic-beta',
  'anthropic-dangerous-direct-browser-access',
  'X-Request-Id',
  'X-Deci-Cache',
  'X-Deci-Cache-Tags',
  'X-Deci-Degraded',
].join(',');

const exposedHeaders = 'X-Request-Id,X-Deci-Upstream,X-Deci-Queue-Ms,X-Deci-Cache,X-Deci-Degraded,Retry-After';
const maxAgeSeconds = 12 * 3600;

export type OriginVerdict = 'same' | 'allowed' | 'refused';

export class OriginPolicy {
  readonly #allowed: readonly RegExp[];

  constructor(origins: readonly string[]) {
    this.#allowed = [...origins, ...defaultOrigins].map(toPattern);
  }

  judge(origin: string, host: string): OriginVerdict {
    if (origin === `http://${host}` || origin === `https://${host}`) return 'same';
    return this.#allowed.some(pattern => pattern.test(origin)) ? 'allowed' : 'refused';
  }
}

/** Headers of an answer to an allowed foreign origin, as a flat list for `writeHead`. */
export function corsHeaders(origin: string): string[] {
  return ['Access-Control-Allow-Origin', origin, 'Access-Control-Expose-Headers', exposedHeaders, 'Vary', 'Origin'];
}

export function preflightHeaders(origin: string): string[] {
  return [
    'Access-Control-Allow-Origin',
    origin,
    'Access-Control-Allow-Methods',
    'GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS',
    'Access-Control-Allow-Headers',
    allowedHeaders,
    'Access-Control-Max-Age',
    String(maxAgeSeconds),
    'Vary',
    'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
  ];
}

function toPattern(origin: string): RegExp {
  const source = origin
    .split('*')
    .map(part => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*')
    // A star for the port is a number, or a name could go on behind it: `http://localhost:80.example`.
    .replace(/:\.\*$/, ':\\d{1,5}');
  return new RegExp(`^${source}$`, 'i');
}
