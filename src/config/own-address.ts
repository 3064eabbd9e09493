/** Whether a URL leads to the server that is about to listen here. */
import { hostname, networkInterfaces } from 'node:os';

const defaultPorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };
const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '::1'];
const everywhere: readonly string[] = ['0.0.0.0', '::'];

/** @param host what the server listens on; on one address of this machine another program may have the same port */
export function isOwnAddress(url: string, host: string, port: number): boolean {
  const { protocol, hostname: bracketed, port: given } = new URL(url);
  if (Number(given || defaultPorts[protocol]) !== port) return false;
  const target = bare(bracketed);
  const listener = bare(host);
  if (target === listener) return true;
  if (everywhere.includes(listener)) return isOfThisMachine(target);
  // The name stands for both addresses, and whoever connects to "everywhere" reaches this machine.
  const isVague = [target, listener].includes('localhost') || everywhere.includes(target);
  return isVague && loopbackNames.includes(listener) && [...loopbackNames, ...everywhere].includes(target);
}

function isOfThisMachine(host: string): boolean {
  if ([...loopbackNames, ...everywhere, hostname().toLowerCase()].includes(host) || host.startsWith('127.'))
    return true;
  return Object.values(networkInterfaces()).some(list => list?.some(({ address }) => bare(address) === host));
}

function bare(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/%.*$/, '');
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
