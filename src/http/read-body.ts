/** Reads a request body whole: bounded in bytes and in time, whatever the client says of its type. */
import type { IncomingMessage } from 'node:http';
import { DeciError, toDeciError } from '../kernel/errors.ts';

/** A body that keeps coming may take this many times as long as one that does not. */
const patience = 20;

export interface BodyLimits {
  readonly maxBytes: number;
  /** Silence allowed while it arrives. */
  readonly timeoutMs: number;
  /** Told at each further megabyte of a body that did not say its length. Whoever does not want it aborts the signal. */
  readonly onGrown?: (bytes: number) => void;
}

const growthBytes = 1024 * 1024;

/** @throws DeciError `body_too_large`, `request_timeout`, or `client_closed` when the client left */
export async function readBody(req: IncomingMessage, limits: BodyLimits, signal?: AbortSignal): Promise<Buffer> {
  const declared = Number(req.headers['content-length'] ?? 0);
  if (declared > limits.maxBytes) throw tooLarge(limits.maxBytes);
  const chunks: Buffer[] = [];
  let bytes = 0;
  const take = (chunk: Buffer): void => {
    chunks.push(chunk);
    const before = bytes;
    bytes += chunk.length;
    const hasGrown = Math.floor(before / growthBytes) < Math.floor(bytes / growthBytes);
    if (hasGrown && req.headers['content-length'] === undefined) limits.onGrown?.(bytes);
  };
  await consume(req, limits, take, signal);
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

/** Lets a body go by that nobody wants, in the same bounds. @throws like `readBody`, but not for what was only declared */
export async function discardBody(req: IncomingMessage, limits: BodyLimits): Promise<void> {
  await consume(req, limits, () => undefined);
}

function consume(
  req: IncomingMessage,
  limits: BodyLimits,
  take: (chunk: Buffer) => void,
  signal?: AbortSignal,
): Promise<void> {
  const { maxBytes, timeoutMs } = limits;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let bytes = 0;
  const latest = performance.now() + patience * timeoutMs;
  const timer = setTimeout(() => settle(new DeciError('request_timeout')), timeoutMs);
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (performance.now() < latest) timer.refresh();
    if (bytes > maxBytes) settle(tooLarge(maxBytes));
    else take(chunk);
  };
  const onEnd = (): void => settle(undefined);
  const onLost = (): void => settle(new DeciError('client_closed'));
  const onAbort = (): void => settle(toDeciError(signal?.reason));
  const settle = (error: DeciError | undefined): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    req.off('data', onData).off('end', onEnd).off('close', onLost).off('error', onLost);
    if (error === undefined) resolve();
    else reject(error);
  };
  signal?.addEventListener('abort', onAbort);
  req.on('data', onData).on('end', onEnd).on('close', onLost).on('error', onLost);
  return promise;
}

function tooLarge(maxBytes: number): DeciError {
  return new DeciError('body_too_large', { message: `the request body is larger than ${maxBytes} bytes` });
}
