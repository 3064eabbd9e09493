/** Ids of requests: unique per process by their random part, within it by counting. No call for randomness on the common path. */
import { randomBytes } from 'node:crypto';

export function createRequestIds(): () => string {
  const prefix = `req_${randomBytes(6).toString('hex')}`;
  let count = 0;
  return () => `${prefix}${(++count).toString(36)}`;
}
