/**
 * Where workers let one another read along with an answer that one of them makes: lines over the private socket, as a model server
 * would send them. Owner: the composition root of a worker, which lets those readers finish before it leaves.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { FlightReader } from '../cache/flight.ts';
import type { SingleFlight } from '../cache/single-flight.ts';
import type { NativeStream } from '../gateway/generate.ts';
import type { CacheDeps } from '../gateway/pipeline.ts';
import type { Urgency } from '../gateway/urgency.ts';
import { DeciError, toDeciError } from '../kernel/errors.ts';
import { openNativeSocket } from '../ollama/native-socket.ts';
import type { ExchangeLimits } from '../ollama/upstream-exchange.ts';

/** Asked with the key of the answer in `keyHeader`. */
export const flightPath = '/flight';
const keyHeader = 'x-deci-flight';
const upstreamHeader = 'x-deci-upstream';
/** What a worker calls its socket. */
const addressForm = /^[a-z]+-\d+\.sock$/;

export class FlightDoor {
  readonly #flights: Pick<SingleFlight<NativeStream, Urgency>, 'follow'>;
  readonly #readers = new Set<AbortController>();

  constructor(flights: Pick<SingleFlight<NativeStream, Urgency>, 'follow'>) {
    this.#flights = flights;
  }

  /** How many read along. */
  get connections(): number {
    return this.#readers.size;
  }

  readonly handle = (req: IncomingMessage, res: ServerResponse): void => {
    void this.#answer(String(req.headers[keyHeader] ?? ''), res);
  };

  /** Nothing to do: who reads along already may read to the end. */
  leave(): void {}

  closeIdle(): void {}

  destroyAll(): void {
    for (const reader of this.#readers) reader.abort(new DeciError('draining'));
  }

  async #answer(key: string, res: ServerResponse): Promise<void> {
    const left = new AbortController();
    res.once('close', () => left.abort(new DeciError('client_closed')));
    const reader = this.#flights.follow(key, left.signal);
    if (reader === undefined) {
      res.writeHead(404).end();
      return;
    }
    this.#readers.add(left);
    try {
      const { upstream, single } = await reader.opened();
      if (single || upstream === undefined) throw new DeciError('not_found');
      res.writeHead(200, { 'Content-Type': 'application/x-ndjson', [upstreamHeader]: upstream });
      await pipeline(linesOf(reader), res);
    } catch {
      // Whoever asked is gone, or does without.
      if (res.headersSent) res.destroy();
      else res.writeHead(404).end();
    } finally {
      await reader.return();
      this.#readers.delete(left);
    }
  }
}

/** Why an answer ends before it is complete is said as a model server says it. */
async function* linesOf(reader: FlightReader<NativeStream>): AsyncGenerator<Buffer> {
  try {
    yield* reader;
  } catch (thrown) {
    yield Buffer.from(`${JSON.stringify({ error: toDeciError(thrown).message })}\n`);
  }
}

export interface FlightFollowerOptions {
  readonly runDir: string;
  readonly limits: ExchangeLimits;
}

/** @returns reads along with another worker */
export function createFlightFollower({ runDir, limits }: FlightFollowerOptions): NonNullable<CacheDeps['follow']> {
  return async (address, key, signal) => {
    if (!addressForm.test(address)) throw new DeciError('not_found');
    const request = { socketPath: join(runDir, address), path: flightPath, headers: { [keyHeader]: key } };
    return await openNativeSocket(request, limits, signal);
  };
}
