/**
 * The listening side: one HTTP server, the sockets it has, and how it leaves. Leaving closes the listener alone: Node's own
 * `close` destroys idle keep-alive sockets at once, which loses the request that is just on its way.
 *
 * States: `new` -> `listening` -> `left` -> `listening` again.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type ListenOptions, Server as NetServer, type Socket } from 'node:net';

export interface HttpServerOptions {
  readonly listen: ListenOptions;
  readonly handler: RequestListener;
  /** Told of what Node's parser refuses, which never becomes a request; returns the id under which it is known. */
  readonly onRefused: (refusal: Refusal) => string;
}

export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly address: string;
}

/** Longer than the idle time of common proxies, so that it is they who close, and no request of theirs meets a closed door. */
const keepAliveMs = 75_000;
const headersMs = 20_000;
const maxHeaderBytes = 16 * 1024;

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** The latest answer on each socket. */
  readonly #responses = new WeakMap<Socket, ServerResponse>();
  #port = 0;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        keepAliveTimeout: keepAliveMs,
        headersTimeout: headersMs,
        // Bodies have their own deadline where they are read; an upload of many gigabytes may take its time.
        requestTimeout: 0,
        connectionsCheckingInterval: 5000,
        maxHeaderSize: maxHeaderBytes,
        noDelay: true,
        // Missing and doubled Host headers are answered by us, in the dialect of the route.
        requireHostHeader: false,
        rejectNonStandardBodyWrites: false,
      },
      (req, res) => {
        this.#responses.set(req.socket, res);
        options.handler(req, res);
      },
    );
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      // What was refused is already being answered and closed; the rest of its bytes deserve no second answer.
      const response = this.#responses.get(socket);
      if (response?.headersSent !== true) answerClientError(error, socket, options.onRefused);
      else if (response.writableFinished) socket.destroySoon();
      else socket.destroy();
    });
    this.#server.on('checkContinue', (req: IncomingMessage, res) => {
      // Whoever reads the body says `100 Continue`; what is refused before is refused without it.
      this.#server.emit('request', req, res);
    });
  }

  /** @throws when the address cannot be bound */
  async listen(): Promise<void> {
    if (this.#server.listening) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    // To the letter the same each time: it is by these words that a cluster finds the listener that it already has.
    this.#server.listen(this.#options.listen, resolve);
    await promise;
    this.#server.off('error', reject);
    const address = this.#server.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
  }

  /** 0 before it listened; stays known behind `leave`. */
  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Takes no more connections; touches none that is open. */
  leave(): void {
    if (this.#server.listening) NetServer.prototype.close.call(this.#server);
  }

  /** Ends connections that nobody uses: idle ones, and those that never sent a byte. */
  closeIdle(): void {
    this.#server.closeIdleConnections();
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy();
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** What Node's parser refuses never becomes a request; the answer is fixed, and says nothing of what was sent. */
function answerClientError(
  error: NodeJS.ErrnoException,
  socket: Socket,
  onRefused: HttpServerOptions['onRefused'],
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, text] = clientErrorStatus(error.code ?? '');
  const address = socket.remoteAddress ?? '';
  const id = onRefused({ status: Number(status.slice(0, 3)), reason: error.code ?? error.message, address });
  const body = JSON.stringify({ error: text });
  const head = [
    `HTTP/1.1 ${status}`,
    `X-Request-Id: ${id}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function clientErrorStatus(code: string): [status: string, text: string] {
  if (code === 'HPE_HEADER_OVERFLOW')
    return ['431 Request Header Fields Too Large', 'the request headers are too large'];
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return ['408 Request Timeout', 'the request headers did not arrive in time'];
  return ['400 Bad Request', 'the request is not valid HTTP'];
}
