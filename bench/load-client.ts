/**
 * A closed-loop load client: so many keep-alive connections, each sending its next request as soon as the last was
 * answered and found right. A wrong answer ends the run: figures of a server that answers wrongly mean nothing.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ResponseParser } from './response-parser.ts';
import type { Scenario } from './scenarios.ts';

const maxBodyBytes = 64 * 1024;

export class LoadClient {
  /** Right answers so far. */
  answered = 0;
  readonly #scenario: Scenario;
  readonly #connections: LoadConnection[] = [];
  readonly #failed = Promise.withResolvers<never>();
  #stopping = false;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    // Looked at only while somebody waits.
    this.#failed.promise.catch(() => undefined);
  }

  async start(port: number, connections: number): Promise<void> {
    for (let i = 0; i < connections; i++) this.#connections.push(new LoadConnection(port, this.#scenario, this));
    await Promise.all(this.#connections.map(connection => connection.connected));
    for (const connection of this.#connections) connection.send();
  }

  /** The time to wait, or the first failure. */
  async run(waiting: Promise<unknown>): Promise<void> {
    await Promise.race([waiting, this.#failed.promise]);
  }

  /** Lets what is under way be answered. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.run(Promise.all(this.#connections.map(connection => connection.closed)));
  }

  /** Whether the connection should go on. */
  onAnswer(): boolean {
    this.answered++;
    return !this.#stopping;
  }

  onFailure(error: Error): void {
    this.#failed.reject(error);
  }
}

class LoadConnection {
  readonly connected: Promise<unknown>;
  readonly closed: Promise<unknown>;
  readonly #socket: Socket;
  readonly #scenario: Scenario;
  readonly #owner: LoadClient;
  readonly #body = Buffer.allocUnsafe(maxBodyBytes);
  #bodyBytes = 0;
  #over = false;

  constructor(port: number, scenario: Scenario, owner: LoadClient) {
    this.#scenario = scenario;
    this.#owner = owner;
    const parser = new ResponseParser({
      onBody: bytes => {
        this.#bodyBytes += bytes.copy(this.#body, this.#bodyBytes);
      },
      onEnd: () => this.#onAnswer(parser.status),
    });
    // One buffer for all reads: a client that allocates for every answer collects garbage while it measures.
    const buffer = Buffer.allocUnsafe(maxBodyBytes);
    const onread = {
      buffer,
      callback: (bytes: number): boolean => {
        this.#guarded(() => parser.push(buffer.subarray(0, bytes)));
        return true;
      },
    };
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread });
    this.#socket.on('error', error => owner.onFailure(error));
    this.#socket.on('close', () => {
      if (!this.#over) owner.onFailure(new Error('the server closed a connection in use'));
    });
    this.connected = once(this.#socket, 'connect');
    this.closed = once(this.#socket, 'close');
  }

  send(): void {
    this.#socket.write(this.#scenario.next?.() ?? this.#scenario.request);
  }

  #onAnswer(status: number): void {
    const body = this.#body.subarray(0, this.#bodyBytes);
    const wrong = status === 200 ? this.#scenario.check(body) : `status ${status}`;
    this.#bodyBytes = 0;
    if (wrong !== undefined) throw new Error(`a wrong answer: ${wrong}: ${body.toString('utf8', 0, 300)}`);
    if (this.#owner.onAnswer()) {
      this.send();
      return;
    }
    this.#over = true;
    this.#socket.destroy();
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#over = true;
      this.#socket.destroy();
      this.#owner.onFailure(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
