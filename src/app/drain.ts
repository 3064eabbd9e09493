/**
 * How a worker leaves without losing anything: it stops taking connections, lets what is under way finish, ends in protocol
 * what is not done at the deadline, and only then closes sockets.
 */
import type { ActiveRequests } from '../http/active-requests.ts';

/** Something with connections that are let go of. */
export interface Door {
  readonly connections: number;
  /** No new ones. */
  leave(): void;
  closeIdle(): void;
  destroyAll(): void;
}

export interface DrainOptions {
  readonly active: ActiveRequests;
  readonly servers: readonly Door[];
  /** How long requests may go on. */
  readonly drainMs: number;
  /** For the error frames of what had to be ended to reach their clients. */
  readonly farewellMs?: number;
}

/** A keep-alive client may have its next request on the wire; its socket is closed only after it had time to arrive. */
const keepAliveGraceMs = 1500;
const sweepMs = 100;
const defaultFarewellMs = 3000;

/** @returns how many requests had to be ended before they were done */
export async function drain({
  active,
  servers,
  drainMs,
  farewellMs = defaultFarewellMs,
}: DrainOptions): Promise<{ ended: number }> {
  active.beginDrain();
  for (const server of servers) server.leave();
  await connectionsGone(servers, drainMs, keepAliveGraceMs);
  const ended = active.size;
  active.endAll();
  await connectionsGone(servers, farewellMs, 0);
  for (const server of servers) server.destroyAll();
  return { ended };
}

/**
 * Waits until no connection is left, closing the idle ones again and again once the grace is over. A request that arrives
 * meanwhile on an open connection is served, so it is connections that are waited for, not requests.
 */
async function connectionsGone(servers: readonly Door[], maxMs: number, graceMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const startedAt = performance.now();
  const sweep = (): void => {
    const elapsedMs = performance.now() - startedAt;
    if (elapsedMs >= graceMs) for (const server of servers) server.closeIdle();
    if (elapsedMs >= maxMs || servers.every(server => server.connections === 0)) resolve();
    else setTimeout(sweep, sweepMs);
  };
  sweep();
  await promise;
}
