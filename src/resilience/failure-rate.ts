/**
 * Whether too many of the latest attempts failed, whoever made them: counted by all workers together. Pure.
 *
 * A row of counts is of ten seconds; failures are counted by whose they are and what was asked. Failures that all come from one
 * question, or all from one owner while others are served, say something of that question or that owner, and nothing of the host:
 * one client must not close it for everybody. Where nobody is served, five in a row open the breaker whoever asked.
 */
import type { BreakerLimits, Verdict } from './breaker.ts';

export interface FailureSource {
  /** The id of a principal. */
  readonly owner?: string | undefined;
  readonly body?: Buffer | string | undefined;
}

export interface Outcomes {
  /** `okKey` or `failedKey` of it. */
  readonly key: string;
  readonly count: number;
}

const buckets = 32;
/** Of ten seconds: who was served in this one or the last is being served. */
const recentPeriods = 1;
const hashedBytes = 4096;

export function okKey(period: number): string {
  return `${period} ok`;
}

/** That somebody was served, whoever it was. It counts nothing. */
export function servedKey(period: number, owner = ''): string {
  return `${period} served ${hash(owner)}`;
}

/** Whether it fails for somebody else too. */
export function doOthersFail(outcomes: readonly Outcomes[], owner: string): boolean {
  const own = String(hash(owner));
  return outcomes.some(({ key }) => {
    const [, what, who] = key.split(' ');
    return what === 'failed' && who !== own;
  });
}

/** Whether somebody else was served a moment ago. */
export function areOthersServed(outcomes: readonly Outcomes[], owner: string, period: number): boolean {
  const own = String(hash(owner));
  return outcomes.some(({ key }) => {
    const [at, what, who] = key.split(' ');
    return what === 'served' && who !== own && Number(at) >= period - recentPeriods;
  });
}

/** Two owners or questions in 32 look the same: then it takes one more to open. */
export function failedKey(period: number, { owner = '', body = '' }: FailureSource): string {
  const text = typeof body === 'string' ? body : body.toString('latin1', 0, hashedBytes);
  const end = typeof body === 'string' ? body.slice(-hashedBytes) : body.toString('latin1', body.length - hashedBytes);
  const question = hash(`${body.length} ${text.slice(0, hashedBytes)} ${end}`);
  return `${period} failed ${hash(owner)} ${question}`;
}

export function isFailedKey(key: string): boolean {
  return key.includes(' failed ');
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return (value >>> 0) % buckets;
}

/** @param othersAreServed whether anybody but the owner of the last failure had an answer within the window */
export function judgeRate(
  outcomes: readonly Outcomes[],
  { failures }: Pick<BreakerLimits, 'failures'>,
  othersAreServed: boolean,
): Verdict | undefined {
  let failed = 0;
  let all = 0;
  const owners = new Set<string>();
  const questions = new Set<string>();
  for (const { key, count } of outcomes) {
    const [, what, owner = '', question = ''] = key.split(' ');
    if (what === 'served') continue;
    all += count;
    if (what !== 'failed') continue;
    failed += count;
    owners.add(owner);
    questions.add(`${owner} ${question}`);
  }
  // Where all fail, five in a row are what counts; a success that ended the row may not have been told yet.
  if (all < failures || failed * 2 < all || failed === all) return undefined;
  if (questions.size < 2 || (owners.size < 2 && othersAreServed)) return undefined;
  return { signal: 'failure_rate', value: Math.round((failed / all) * 100) / 100, threshold: 0.5 };
}
