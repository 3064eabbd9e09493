/**
 * What clients send to our own routes, checked by the route's schema. The schemas are loaded when the first such request
 * comes: zod takes some 20 MB, and most workers never see one.
 */
import type { z } from 'zod';
import { DeciError } from '../kernel/errors.ts';
import type { ownBodies, ownQueries } from './schemas/own.ts';

/** More than any route of ours knows. */
const maxPairs = 32;

type Bodies = typeof ownBodies;
type Queries = typeof ownQueries;

/** @throws DeciError `invalid_request` that names the first wrong member in words */
export async function validateBody<K extends keyof Bodies>(key: K, value: unknown): Promise<z.infer<Bodies[K]>> {
  const schemas = await import('./schemas/own.ts');
  return checked(schemas.ownBodies[key], value) as z.infer<Bodies[K]>;
}

/**
 * @param pathAndQuery as the request context has it
 * @throws DeciError `invalid_request` that names the first wrong member in words; of a name that comes twice there is no one value
 */
export async function validateQuery<K extends keyof Queries>(
  key: K,
  pathAndQuery: string,
): Promise<z.infer<Queries[K]>> {
  const schemas = await import('./schemas/own.ts');
  const start = pathAndQuery.indexOf('?');
  const pairs = [...new URLSearchParams(start === -1 ? '' : pathAndQuery.slice(start))];
  if (pairs.length > maxPairs) throw invalid('', 'the query has too many members');
  const seen = new Set<string>();
  for (const [name] of pairs) {
    if (seen.has(name)) throw invalid(name, `${name} is given more than once`);
    seen.add(name);
  }
  return checked(schemas.ownQueries[key], Object.fromEntries(pairs)) as z.infer<Queries[K]>;
}

function checked(schema: z.ZodType, value: unknown): unknown {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue === undefined) throw new DeciError('invalid_request', { cause: result.error });
  const unknownMember = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const param = [...issue.path, ...unknownMember].map(String).join('.');
  throw invalid(param, `${param === '' ? 'the request' : param} ${complaintOf(issue)}`);
}

/** The words of the readers of other dialects. Only what own schemas can complain of has words of its own here. */
function complaintOf(issue: z.core.$ZodIssue): string {
  if (issue.input === undefined && issue.code !== 'unrecognized_keys') return 'is required';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${typeNames[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.map(value => `'${String(value)}'`).join(' or ')}`;
    case 'too_small':
      return issue.minimum === 1 && sized(issue)
        ? 'must not be empty'
        : `must ${amountOf(issue, 'least', issue.minimum)}`;
    case 'too_big':
      return `must ${amountOf(issue, 'most', issue.maximum)}`;
    case 'unrecognized_keys':
      return 'is not known here';
    default:
      return `is not valid: ${issue.message}`;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'an integer',
  boolean: 'a boolean',
  array: 'an array',
  object: 'an object',
};

interface Measured {
  /** What kind of value was measured. */
  readonly origin: string;
}

function sized({ origin }: Measured): boolean {
  return origin === 'string' || origin === 'array';
}

function amountOf(issue: Measured, side: 'least' | 'most', bound: number | bigint): string {
  if (!sized(issue)) return `be at ${side} ${bound}`;
  return `have at ${side} ${bound} ${issue.origin === 'string' ? 'characters' : 'items'}`;
}

function invalid(param: string, message: string): DeciError {
  return new DeciError('invalid_request', { message, ...(param === '' ? {} : { param }) });
}
