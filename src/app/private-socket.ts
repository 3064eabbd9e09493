/**
 * A private door and the file it stands behind. Another process that closes a socket of the same path removes the file, and
 * whoever replaces it is asked in our place: so the file is looked at all the time, and taken back when it is not ours.
 */
import { rmSync, statSync } from 'node:fs';
import { type DoorRoutes, PrivateDoor, type PrivateDoorOptions } from '../http/private-door.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { Ticker } from '../kernel/ticker.ts';

export interface PrivateSocketOptions {
  readonly socketPath: string;
  readonly routes: DoorRoutes;
  readonly fallback?: PrivateDoorOptions['fallback'];
  readonly random: () => number;
  /** The file was gone, or somebody else's, and is ours again. */
  readonly onTakenBack: () => void;
  readonly onFailure: (error: unknown) => void;
}

const lookEveryMs = 1000;
const maxWaitMs = 60_000;

export class PrivateSocket implements Resource {
  readonly name = 'private-socket';
  readonly #options: PrivateSocketOptions;
  readonly #door: PrivateDoor;
  readonly #ticker: Ticker;
  #inode = 0;
  #losses = 0;

  constructor(options: PrivateSocketOptions) {
    this.#options = options;
    const { socketPath, routes, fallback, random, onFailure } = options;
    this.#door = new PrivateDoor({ socketPath, routes, ...(fallback === undefined ? {} : { fallback }) });
    this.#ticker = new Ticker({
      name: 'private socket',
      intervalMs: lookEveryMs,
      tick: () => this.#look(),
      random,
      onFailure,
    });
  }

  /** @throws when the socket cannot be bound */
  async start(): Promise<void> {
    await this.#open();
    await this.#ticker.start();
  }

  async stop(): Promise<void> {
    await this.#ticker.stop();
    this.#door.close();
  }

  /** @returns how long to wait for the next look: with somebody who takes it again and again nobody shall fight all day */
  async #look(): Promise<number | undefined> {
    if (inodeOf(this.#options.socketPath) === this.#inode) {
      this.#losses = 0;
      return undefined;
    }
    this.#door.close();
    await this.#open();
    this.#options.onTakenBack();
    this.#losses += 1;
    return Math.min(maxWaitMs, lookEveryMs * 2 ** (this.#losses - 1));
  }

  async #open(): Promise<void> {
    // Of one that was killed: its file is still there, and nobody listens behind it.
    rmSync(this.#options.socketPath, { force: true });
    await this.#door.open();
    this.#inode = inodeOf(this.#options.socketPath) ?? 0;
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
