/**
 * Which answers are under way in this worker, so that the same question joins instead of asking again. Owner: the pipeline.
 *
 * Invariant: a key leads to at most one flight that can be joined, and to none that is over.
 */
import { Flight, type FlightReader, type FlightSource } from './flight.ts';

export interface Joined<Source extends FlightSource, Lead> {
  readonly reader: FlightReader<Source>;
  /** What the call that set it off said of itself. */
  readonly lead: Lead;
  /** It was this call that set the flight off. */
  readonly isFirst: boolean;
}

export interface Departure<Source, Lead> {
  readonly lead: Lead;
  readonly open: (signal: AbortSignal) => Promise<Source>;
  /** Told once; with all blocks of an answer that is complete. */
  readonly onOver: (blocks: readonly Buffer[] | undefined) => void;
}

interface UnderWay<Source extends FlightSource, Lead> {
  readonly flight: Flight<Source>;
  readonly lead: Lead;
}

export class SingleFlight<Source extends FlightSource, Lead> {
  readonly #maxBytes: number;
  /** Of all flights together, beyond which none is read on whose readers stall. */
  readonly #maxReadOnBytes: number;
  readonly #flights = new Map<string, UnderWay<Source, Lead>>();

  constructor(maxBytes: number, maxReadOnBytes = 8 * maxBytes) {
    this.#maxBytes = maxBytes;
    this.#maxReadOnBytes = maxReadOnBytes;
  }

  get size(): number {
    return this.#flights.size;
  }

  /** For a schedule: readers that stall shall not keep from others what is made for all. */
  look(): void {
    let leftBytes = this.#maxReadOnBytes;
    for (const { flight } of this.#flights.values()) leftBytes -= flight.bytes;
    for (const { flight } of this.#flights.values()) {
      const { bytes } = flight;
      flight.look(bytes + Math.max(0, leftBytes));
      leftBytes -= flight.bytes - bytes;
    }
  }

  /** For readers who can only follow. @returns undefined when there is nothing to join */
  follow(key: string, signal: AbortSignal): FlightReader<Source> | undefined {
    const flight = this.#flights.get(key)?.flight;
    return flight?.joinable === true ? flight.join(signal) : undefined;
  }

  join(key: string, signal: AbortSignal, { open, onOver, lead }: Departure<Source, Lead>): Joined<Source, Lead> {
    const under = this.#flights.get(key);
    if (under?.flight.joinable === true) {
      return { reader: under.flight.join(signal), lead: under.lead, isFirst: false };
    }
    const flight: Flight<Source> = new Flight({
      open,
      maxBytes: this.#maxBytes,
      onOver: blocks => {
        onOver(blocks);
        if (this.#flights.get(key)?.flight === flight) this.#flights.delete(key);
      },
    });
    this.#flights.set(key, { flight, lead });
    return { reader: flight.join(signal), lead, isFirst: true };
  }
}
