/**
 * A connection to a host that is kept and carries nothing: when the server's process dies or its machine leaves the network,
 * this breaks at once, long before the next probe. That it broke proves nothing, since servers and what stands before them
 * close idle connections as they like; that it cannot be made again does. Owner: the pool, one per host and worker, since a
 * connection costs nothing and a shared one would be nobody's after its worker died.
 *
 * States: `dialling` -> `held` -> `dialling` (lost) ; `dialling` -> `pausing` (refused) -> `dialling`.
 */
import { connect, type Socket } from 'node:net';

export interface WatchConnectionOptions {
  readonly url: string;
  readonly connectMs: number;
  readonly random: () => number;
  /** It can be dialled. */
  readonly onReached: () => void;
  /** It cannot, and not for a reason of ours. @param error as the system told it */
  readonly onRefused: (error: Error) => void;
}

/** What says something of the other side. Of all others, such as too many open files, this process is to blame. */
const refusals: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
]);
/** A timer that fires so late after its time tells that this process stood still, and nothing of the server. */
const lateMs = 100;
/** A server that cannot be dialled is dialled once a second. */
const refusedPauseMs = 1000;
/** One that lets in and closes at once is asked less and less often. */
const shortHoldMs = 1000;
const maxPauseMs = 30_000;
/** A machine that left the network is missed after this and ten probes of a second each. */
const keepAliveMs = 1000;

export class WatchConnection {
  readonly #options: WatchConnectionOptions;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #shortHolds = 0;

  constructor(options: WatchConnectionOptions) {
    this.#options = options;
  }

  start(): void {
    if (!this.#isStopped && this.#socket === undefined) this.#dial();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  #dial(): void {
    const { connectMs, onReached, onRefused } = this.#options;
    const { hostname, port, protocol } = new URL(this.#options.url);
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    const socket = connect({ host, port: Number(port || (protocol === 'https:' ? 443 : 80)), noDelay: true });
    this.#socket = socket.unref();
    let heldAtMs: number | undefined;
    let failure: Error | undefined;
    const dialledAtMs = performance.now();
    const tooLate = setTimeout(() => {
      const isOurs = performance.now() - dialledAtMs > connectMs + lateMs;
      socket.destroy(isOurs ? undefined : timedOut());
    }, connectMs).unref();
    socket.once('connect', () => {
      clearTimeout(tooLate);
      heldAtMs = performance.now();
      socket.setKeepAlive(true, keepAliveMs);
      onReached();
    });
    socket.on('error', error => {
      failure = error;
    });
    // What a server says unasked is nothing to us, but unread it would hide that it left.
    socket.resume();
    socket.once('close', () => {
      clearTimeout(tooLate);
      if (this.#isStopped) return;
      if (heldAtMs === undefined && isRefusal(failure)) onRefused(failure);
      this.#again(this.#pauseMs(heldAtMs));
    });
  }

  #pauseMs(heldAtMs: number | undefined): number {
    if (heldAtMs === undefined) return refusedPauseMs;
    this.#shortHolds = performance.now() - heldAtMs < shortHoldMs ? this.#shortHolds + 1 : 0;
    return this.#shortHolds === 0 ? 0 : Math.min(maxPauseMs, 50 * 2 ** this.#shortHolds);
  }

  #again(pauseMs: number): void {
    const jitteredMs = pauseMs * (0.9 + 0.2 * this.#options.random());
    this.#timer = setTimeout(() => this.#dial(), jitteredMs).unref();
  }
}

function isRefusal(error: Error | undefined): error is Error {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isRefusal);
  return error !== undefined && 'code' in error && refusals.has(error.code);
}

function timedOut(): Error {
  return Object.assign(new Error('connection timed out'), { code: 'ETIMEDOUT' });
}
