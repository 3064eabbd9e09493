/** What the line is told of those who come, what it tells them, and what it needs. */
import type { Caller, Priority, Ticket } from './queue-order.ts';

/** How far somebody in the line is. */
export interface LinePlace {
  /** Among those who wait for the same model; 1 is next. */
  readonly position: number;
  readonly expectedWaitMs: number | undefined;
}

export interface Entry {
  readonly model: string;
  /** Callers with the same text wait for the same hosts and model. */
  readonly group: string;
  /** In the order in which they are wanted. Asked again whenever a slot may be free. @throws when there is none left */
  readonly hosts: () => readonly string[];
  readonly caller: Caller;
  /** Where the caller has less time than `maxWaitMs` of the gate. */
  readonly maxWaitMs?: number | undefined;
  /** Where it may become more urgent while it waits, since others want the same. */
  readonly urgency?: { readonly priority: Priority; onRaised: (() => void) | undefined } | undefined;
  /** Told when it changes, while the caller waits. */
  readonly onLine?: ((place: LinePlace) => void) | undefined;
}

export interface FairLineOptions<S> {
  /** For somebody whose turn it is. @throws when no host is left */
  readonly take: (entry: Entry) => S | undefined;
  /** Whether there seems to be a slot. */
  readonly hasRoom: (host: string, model: string) => boolean;
  /** The tickets of all who wait, in all workers. */
  readonly queue: {
    readonly capacity: number;
    readonly maxPerOwner?: number | undefined;
    /** Whether anything may have changed in another worker since the last call: cheap, for asking every few milliseconds. */
    hasChanged(): boolean;
    /** Undefined when nobody knows. */
    list(): readonly Ticket[] | undefined;
    /** @returns false when there is no place */
    join(ticket: Ticket, victim: Ticket | undefined): boolean;
    /** One that waits already. */
    change(ticket: Ticket): void;
    leave(ticket: Ticket): void;
  };
  /** Whether some host has the model in memory. */
  readonly isLoaded: (model: string) => boolean;
  /** Of these hosts together; of all, where it is not known which of them may answer. */
  readonly slotsOf: (model: string, hosts: readonly string[] | undefined) => number;
  readonly maxWaitMs: number;
  /** Wall clock. */
  readonly now: () => number;
  readonly random: () => number;
  readonly onWaiting: (count: number, byPriority: ReadonlyMap<string, number>) => void;
  readonly onWaited: (seconds: number) => void;
  readonly onRefused: (code: string) => void;
}

/** Undefined where none is left: whoever waits is told so when it is his turn. */
export function hostsOf({ hosts }: Entry): readonly string[] | undefined {
  try {
    return hosts();
  } catch {
    return undefined;
  }
}
