/** Where a request carries its key: `Authorization: Bearer`, or `x-api-key`, as the SDKs send it. */
import type { IncomingHttpHeaders } from 'node:http';

const keyForm = /^deci_[0-9a-f]{64}$/;
const keyPrefix = 'deci_';

/** @returns what was sent as a key, ours or not; of two, the one that could be ours */
export function readCredentials(headers: IncomingHttpHeaders): string | undefined {
  const bearer = bearerOf(headers.authorization);
  const named = headers['x-api-key'];
  if (typeof named !== 'string' || named === '') return bearer;
  return bearer?.startsWith(keyPrefix) === true ? bearer : named;
}

export function isKey(text: string): boolean {
  return keyForm.test(text);
}

/** Clients that must send something send anything; only what claims to be a key of ours is judged as one. */
export function claimsToBeKey(text: string): boolean {
  return text.startsWith(keyPrefix);
}

function bearerOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  // The scheme is case-insensitive, and one blank follows it (RFC 9110 section 11.4).
  return authorization.length > 7 && authorization.slice(0, 7).toLowerCase() === 'bearer '
    ? authorization.slice(7).trim()
    : undefined;
}
