/**
 * The door that only our own processes use: a UNIX socket of one process, for its state, its metrics and its orders. Whatever
 * it does not know itself goes to `fallback`, the public application of a worker.
 *
 * Its folder is for its owner alone, and so is the socket.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { HttpServer } from './server.ts';

/** What a door answers: an object as JSON, text as it is. */
export interface DoorAnswer {
  readonly status?: number;
  readonly body?: object | string;
}

/** By method and path: `GET /state`. */
export type DoorRoutes = Readonly<Record<string, () => DoorAnswer | Promise<DoorAnswer>>>;

export interface PrivateDoorOptions {
  readonly socketPath: string;
  readonly routes: DoorRoutes;
  readonly fallback?: RequestListener;
}

export class PrivateDoor {
  readonly #options: PrivateDoorOptions;
  readonly #server: HttpServer;

  constructor(options: PrivateDoorOptions) {
    this.#options = options;
    // Each process's own: without `exclusive` the cluster would share it out among all workers.
    const listen = { path: options.socketPath, exclusive: true, readableAll: false, writableAll: false };
    this.#server = new HttpServer({
      listen,
      handler: (req, res) => void this.#handle(req, res),
      onRefused: () => 'private',
    });
  }

  /** @throws when the socket cannot be bound */
  open(): Promise<void> {
    return this.#server.listen();
  }

  close(): void {
    this.#server.leave();
    this.#server.destroyAll();
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const route = this.#options.routes[`${req.method} ${req.url}`];
    if (route === undefined) {
      if (this.#options.fallback === undefined) answer(res, { status: 404, body: { error: 'no such path' } });
      else this.#options.fallback(req, res);
      return;
    }
    try {
      answer(res, await route());
    } catch (error) {
      answer(res, { status: 500, body: { error: error instanceof Error ? error.message : String(error) } });
    }
  }
}

function answer(res: ServerResponse, { status = 200, body = '' }: DoorAnswer): void {
  const isText = typeof body === 'string';
  const text = isText ? body : JSON.stringify(body);
  const type = isText ? 'text/plain; charset=utf-8' : 'application/json';
  res.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) }).end(text);
}
