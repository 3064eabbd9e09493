/** The listening socket, which can go away and come back on the same port as that of a restarted process does. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { FakeServer } from './fake-server.ts';

export class Listener {
  readonly #server: FakeServer;
  readonly #http: Server;
  #cancelComeBack: () => void = () => {};

  constructor(server: FakeServer, onRequest: RequestListener) {
    this.#server = server;
    this.#http = createServer(
      { keepAlive: true, noDelay: true, requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 },
      onRequest,
    );
    // Go closes no idle connection, so neither does this: a pool must not meet a race that Ollama does not have.
    this.#http.timeout = 0;
    this.#http.on('connection', socket => {
      server.recorder.connections++;
      socket.on('error', () => {});
      socket.once('close', () => {
        server.recorder.connections--;
        server.recorder.changed();
      });
    });
  }

  async accept(): Promise<void> {
    this.#cancelComeBack();
    this.#cancelComeBack = () => {};
    if (this.#server.isListening) return;
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen({ port: this.#server.options.port, host: this.#server.options.host, backlog: 4096 }, () => {
        this.#http.off('error', reject);
        resolve();
      });
    });
    const address = this.#http.address();
    if (typeof address === 'object' && address) this.#server.options.port = address.port;
    this.#server.isListening = true;
    this.#server.recorder.changed();
  }

  async refuse(options: { forMs?: number; cut?: boolean }): Promise<void> {
    if (this.#server.isListening) {
      this.#server.isListening = false;
      this.#http.close();
      this.#http.closeIdleConnections();
      this.#server.recorder.changed();
    }
    if (options.cut) this.cutConnections();
    if (options.forMs !== undefined) {
      const comeBack = () => void this.accept();
      // Nothing else keeps a process alive whose socket is closed.
      this.#cancelComeBack = this.#server.timing.later(options.forMs, comeBack, { keepsAlive: true });
    }
  }

  cutConnections(): void {
    this.#http.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.#cancelComeBack();
    this.#server.isListening = false;
    const closed = new Promise<void>(resolve => {
      if (this.#http.listening) this.#http.close(() => resolve());
      else resolve();
    });
    this.#http.closeAllConnections();
    await closed;
  }
}
