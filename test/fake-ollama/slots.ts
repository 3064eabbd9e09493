/**
 * The NUM_PARALLEL places of one loaded model. Those who find none free wait in order, without any bound.
 * A slot remembers the last prompt it processed, which is the prompt cache.
 */
import { requestCanceled } from './wire-error.ts';

export interface Slot {
  cachedPrompt: string;
}

interface Waiter {
  prompt: string;
  give(slot: Slot): void;
}

function commonPrefixLength(left: string, right: string): number {
  const end = Math.min(left.length, right.length);
  let at = 0;
  while (at < end && left.charCodeAt(at) === right.charCodeAt(at)) at++;
  return at;
}

/** How much of `prompt`, in characters, the slot has already processed. */
export function cachedLength(slot: Slot, prompt: string): number {
  return commonPrefixLength(slot.cachedPrompt, prompt);
}

export class Slots {
  readonly #free: Slot[];
  readonly #waiting: Waiter[] = [];

  constructor(count: number) {
    this.#free = Array.from({ length: count }, () => ({ cachedPrompt: '' }));
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** The free slot that knows most of the prompt; undefined when all are busy. */
  tryTake(prompt: string): Slot | undefined {
    let best = 0;
    if (this.#free.length > 1) {
      let longest = -1;
      for (const [index, slot] of this.#free.entries()) {
        const length = cachedLength(slot, prompt);
        if (length > longest) [best, longest] = [index, length];
      }
    }
    return this.#free.splice(best, 1)[0];
  }

  take(prompt: string, signal: AbortSignal): Promise<Slot> {
    const slot = this.tryTake(prompt);
    if (slot) return Promise.resolve(slot);
    return new Promise<Slot>((resolve, reject) => {
      const waiter: Waiter = {
        prompt,
        give: given => {
          signal.removeEventListener('abort', leave);
          resolve(given);
        },
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(requestCanceled());
      };
      if (signal.aborted) return reject(requestCanceled());
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(waiter);
    });
  }

  give(slot: Slot): void {
    const next = this.#waiting.shift();
    if (next) next.give(slot);
    else this.#free.push(slot);
  }
}
