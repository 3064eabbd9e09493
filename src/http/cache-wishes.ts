/** What a request says of recorded answers, in its headers: `X-Deci-Cache`, `X-Deci-Cache-Tags`, `X-Deci-Degraded`. */
import type { IncomingHttpHeaders } from 'node:http';
import type { CacheWishes } from '../gateway/job.ts';
import { DeciError } from '../kernel/errors.ts';

const maxTags = 8;
const validTag = /^[\w.:/-]{1,64}$/;

/** @throws DeciError `invalid_request` for tags that nobody could be sure to find again */
export function readCacheWishes(headers: IncomingHttpHeaders): CacheWishes | undefined {
  const cache = headers['x-deci-cache'];
  const tags = headers['x-deci-cache-tags'];
  const degraded = headers['x-deci-degraded'];
  if (cache === undefined && tags === undefined && degraded === undefined) return undefined;
  const words = wordsOf(cache);
  return {
    noStore: words.includes('no-store'),
    allow: words.includes('allow'),
    refuseDegraded: wordsOf(degraded).includes('refuse'),
    tags: readTags(tags),
  };
}

function readTags(header: string | string[] | undefined): string[] {
  const tags = splitList(header);
  const wrong = tags.find(tag => !validTag.test(tag));
  if (wrong === undefined && tags.length <= maxTags) return [...new Set(tags)];
  const complaint = wrong === undefined ? `there are ${tags.length}` : `not ${JSON.stringify(wrong.slice(0, 80))}`;
  throw new DeciError('invalid_request', {
    message: `X-Deci-Cache-Tags must be at most ${maxTags} words of letters, digits and _.:/- with at most 64 characters; ${complaint}`,
    param: 'X-Deci-Cache-Tags',
  });
}

function wordsOf(header: string | string[] | undefined): string[] {
  return splitList(header).map(word => word.toLowerCase());
}

function splitList(header: string | string[] | undefined): string[] {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  return text
    .split(',')
    .map(word => word.trim())
    .filter(word => word !== '');
}
