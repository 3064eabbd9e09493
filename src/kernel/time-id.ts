/** Ids that sort by the time at which they were made, and within a process by the order. Nobody can guess the next. */
import { randomBytes } from 'node:crypto';

/** @param prefix says what the id is of, for example `heal_` */
export function createTimeIds(prefix: string, now: () => number): () => string {
  let lastMs = 0;
  let count = 0;
  return () => {
    // A clock that is set back must not turn the order around.
    const ms = Math.max(lastMs, now());
    count = ms === lastMs ? count + 1 : 0;
    lastMs = ms;
    const time = ms.toString(16).padStart(12, '0');
    return `${prefix}${time}${count.toString(16).padStart(4, '0')}${randomBytes(6).toString('hex')}`;
  };
}
