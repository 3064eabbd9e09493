/**
 * Which Host headers and request targets are served. Syntax is checked for everybody (RFC 9112 section 3.2); the name only
 * while bound to loopback, where a foreign name means that a page in a browser was tricked into calling us (DNS rebinding).
 */
import type { IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import { DeciError } from '../kernel/errors.ts';

/** Host and port, as RFC 3986 spells them: a name, an IPv4 address or a bracketed IPv6 address. */
const authority = /^(?:[a-z0-9](?:[a-z0-9._-]{0,253}[a-z0-9])?\.?|\[[0-9a-f:.]{2,45}\])(?::(\d{1,5}))?$/i;
const privateIpv4 = /^(?:0\.0\.0\.0|127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.)/;
const privateIpv6 = /^\[(?:::1?|f[cd][0-9a-f]{2}:.*|fe[89ab][0-9a-f]:.*)\]$/i;
const mappedIpv4 = /^\[::ffff:(\d{1,3}(?:\.\d{1,3}){3})\]$/i;
const localSuffixes = ['.localhost', '.local', '.internal'];

export type HostCheck = (host: string) => boolean;

/** @param restricted whether names are checked at all; `allowed` names are public names of a proxy in front */
export function createHostCheck(restricted: boolean, allowed: readonly string[]): HostCheck {
  if (!restricted) return () => true;
  const names = new Set(['localhost', hostname().toLowerCase(), ...allowed.map(name => name.toLowerCase())]);
  // Nearly every request carries the same few values, so each is judged once; the bound keeps a flood of names harmless.
  const known = new Map<string, boolean>();
  return host => {
    const before = known.get(host);
    if (before !== undefined) return before;
    const verdict = isLocalName(host.replace(/:\d+$/, '').replace(/\.$/, '').toLowerCase(), names);
    if (known.size < 256) known.set(host, verdict);
    return verdict;
  };
}

function isLocalName(name: string, names: ReadonlySet<string>): boolean {
  if (names.has(name) || privateIpv6.test(name)) return true;
  const ipv4 = mappedIpv4.exec(name)?.[1] ?? (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(name) ? name : undefined);
  if (ipv4 !== undefined) return privateIpv4.test(ipv4);
  return localSuffixes.some(suffix => name.endsWith(suffix));
}

export interface Target {
  readonly host: string;
  readonly path: string;
  /** What stands behind the authority: never the authority itself, whatever form the request came in. */
  readonly pathAndQuery: string;
}

/**
 * The Host of a request and its path, or why it cannot be served.
 * @throws DeciError `bad_host` or `bad_target`
 */
export function readTarget(req: IncomingMessage): Target {
  if (!req.httpVersion.startsWith('1.'))
    throw new DeciError('bad_target', { status: 505, message: 'this HTTP version is not supported' });
  const host = readHost(req);
  const url = req.url ?? '';
  if (url.startsWith('/')) return { host, path: pathOf(url), pathAndQuery: url };
  if (url === '*' && req.method === 'OPTIONS') return { host, path: '*', pathAndQuery: '*' };
  // The absolute form is for proxies, but a server must accept it; its authority then replaces Host.
  const absolute = /^https?:\/\/([^/?#@]+)([/?][^#]*)?$/i.exec(url);
  if (absolute?.[1] === undefined || !isAuthority(absolute[1])) throw new DeciError('bad_target');
  const rest = absolute[2] ?? '/';
  const pathAndQuery = rest.startsWith('/') ? rest : `/${rest}`;
  return { host: absolute[1], path: pathOf(pathAndQuery), pathAndQuery };
}

function pathOf(url: string): string {
  if (url.includes('#')) throw new DeciError('bad_target');
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

function readHost(req: IncomingMessage): string {
  const host = req.headers.host;
  if (host === undefined) {
    if (req.httpVersion === '1.0') return 'localhost';
    throw new DeciError('bad_host');
  }
  if (!isAuthority(host)) throw new DeciError('bad_host');
  // Node keeps the first of several; two of them are a sign of smuggling and must not be served (RFC 9112 section 3.2).
  const { rawHeaders } = req;
  let seen = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name !== undefined && name.length === 4 && name.toLowerCase() === 'host') seen++;
  }
  if (seen > 1) throw new DeciError('bad_host');
  return host;
}

function isAuthority(host: string): boolean {
  const match = authority.exec(host);
  return match !== null && (match[1] === undefined || Number(match[1]) <= 65_535);
}
