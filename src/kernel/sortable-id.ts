/**
 * Identifiers that sort by the time they were made, in the form of a ULID: 48 bits of milliseconds, 80 bits of chance, in
 * 26 characters. Those of one maker always grow, also within a millisecond and when the clock is set back.
 */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const timeChars = 10;
const chanceChars = 16;

export interface SortableIdsOptions {
  readonly now: () => number;
  /** A number in [0, 1). */
  readonly random: () => number;
}

export class SortableIds {
  readonly #options: SortableIdsOptions;
  #atMs = 0;
  #chance: number[] = [];

  constructor(options: SortableIdsOptions) {
    this.#options = options;
  }

  next(): string {
    const now = this.#options.now();
    if (now > this.#atMs) {
      this.#atMs = now;
      this.#chance = Array.from({ length: chanceChars }, () => Math.floor(this.#options.random() * 32));
    } else {
      this.#increment();
    }
    return `${encodeTime(this.#atMs)}${this.#chance.map(digit => alphabet[digit]).join('')}`;
  }

  #increment(): void {
    for (let place = chanceChars - 1; place >= 0; place--) {
      const digit = this.#chance[place] ?? 0;
      this.#chance[place] = (digit + 1) % 32;
      if (digit < 31) return;
    }
    this.#atMs++;
  }
}

function encodeTime(ms: number): string {
  let rest = ms;
  let text = '';
  for (let place = 0; place < timeChars; place++) {
    text = `${alphabet[rest % 32] ?? '0'}${text}`;
    rest = Math.floor(rest / 32);
  }
  return text;
}
