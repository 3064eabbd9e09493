/**
 * One timer for all paced streams of a rate: each stream sits in the slot of its phase and gets a token once a turn, so
 * that a thousand streams cost a thousand writes a turn and no timers.
 */
const slotMs = 5;

export class TokenWheel<Stream> {
  readonly #slots: Set<Stream>[];
  readonly #onTurn: (stream: Stream) => boolean;
  #startedAt = performance.now();
  #turned = 0;
  #timer: NodeJS.Timeout | undefined;
  #size = 0;

  /** @param onTurn sends a token; false when the stream is over */
  constructor(perSecond: number, onTurn: (stream: Stream) => boolean) {
    this.#slots = Array.from({ length: Math.max(1, Math.round(1000 / perSecond / slotMs)) }, () => new Set());
    this.#onTurn = onTurn;
  }

  /** Its first turn comes one period from now. */
  add(stream: Stream): void {
    if (this.#timer === undefined) {
      this.#startedAt = performance.now();
      this.#turned = 0;
      this.#timer = setInterval(() => this.#catchUp(), slotMs);
    }
    const due = Math.floor((performance.now() - this.#startedAt) / slotMs);
    this.#slots[due % this.#slots.length]?.add(stream);
    this.#size++;
  }

  /** A late timer must not slow the rate down: the slots it missed have their turn now. */
  #catchUp(): void {
    const due = Math.floor((performance.now() - this.#startedAt) / slotMs);
    while (this.#turned < due) this.#turn(this.#slots[this.#turned++ % this.#slots.length]);
    if (this.#size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #turn(slot: Set<Stream> = new Set()): void {
    for (const stream of slot) {
      if (this.#onTurn(stream)) continue;
      slot.delete(stream);
      this.#size--;
    }
  }
}
