/**
 * Which answers are under way in this worker, so that the same question joins instead of asking again. Owner: the pipeline.
 *
 * Invariant: a key leads to at most one flight that can be joined, and to none that is over.
 */
import { Flight, type FlightReader, type FlightSource } from './flight.ts';

export interface Joined<Source extends FlightSource> {
  readonly reader: FlightReader<Source>;
  /** It was this call that set the flight off. */
  readonly isFirst: boolean;
}

export interface Departure<Source> {
  readonly open: (signal: AbortSignal) => Promise<Source>;
  /** Told once; with all blocks of an answer that is complete. */
  readonly onOver: (blocks: readonly Buffer[] | undefined) => void;
}

export class SingleFlight<Source extends FlightSource> {
  readonly #maxBytes: number;
  readonly #flights = new Map<string, Flight<Source>>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#flights.size;
  }

  join(key: string, signal: AbortSignal, { open, onOver }: Departure<Source>): Joined<Source> {
    const under = this.#flights.get(key);
    if (under?.joinable === true) return { reader: under.join(signal), isFirst: false };
    const flight: Flight<Source> = new Flight({
      open,
      maxBytes: this.#maxBytes,
      onOver: blocks => {
        onOver(blocks);
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
      },
    });
    this.#flights.set(key, flight);
    return { reader: flight.join(signal), isFirst: true };
  }
}
