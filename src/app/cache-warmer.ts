/**
 * Generates answers that will be asked for, after the start, so that they are recorded when they are: those of a file of JSON lines.
 * One worker of all does it, which holds a lease for as long; what is recorded already costs one look. Owner: the composition root.
 */
import { readFile, stat } from 'node:fs/promises';
import type { Generate } from '../gateway/generate.ts';
import type { GenerationJob } from '../gateway/job.ts';
import { isObject, type JsonObject, parseObject } from '../kernel/json.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { pause } from '../kernel/pause.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface CacheWarmerOptions<Lease> {
  readonly path: string;
  readonly generate: Generate;
  readonly leases: {
    take(request: { kind: string; key: string; capacity: number; ttlMs: number }): Lease | undefined;
    release(lease: Lease): boolean;
  };
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Whether this worker has time for it. */
  readonly isOptionalAllowed: () => boolean;
}

const maxBytes = 1024 * 1024;
const maxLines = 1000;
const pauseMs = 1000;
const leaseMs = 6 * 3_600_000;
const paths = ['/api/chat', '/api/generate'] as const;
/** Whoever asks without a key is called so, as a tenant and as one of its keys. */
const anonymous = 'local';

export class CacheWarmer<Lease> implements Resource {
  readonly name = 'cache-warmer';
  readonly #options: CacheWarmerOptions<Lease>;
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: CacheWarmerOptions<Lease>) {
    this.#options = options;
  }

  /** Nobody waits for it. */
  async start(): Promise<void> {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { leases, log, path } = this.#options;
    let lease: Lease | undefined;
    try {
      lease = leases.take({ kind: 'warm', key: path, capacity: 1, ttlMs: leaseMs });
      if (lease === undefined) return;
      const counts = await this.#warm(await readJobs(path));
      log.info('recorded answers were made ready', { path, ...counts });
    } catch (error) {
      log.warn('answers cannot be made ready', { path, cause: String(error) });
    } finally {
      if (lease !== undefined) this.#release(lease);
    }
  }

  async #warm(jobs: readonly GenerationJob[]): Promise<{ made: number; known: number; failed: number }> {
    const counts = { made: 0, known: 0, failed: 0 };
    for (const job of jobs) {
      await this.#untilAllowed();
      if (this.#abort.signal.aborted) break;
      try {
        const stream = await this.#options.generate(job, this.#abort.signal);
        await Array.fromAsync(stream);
        counts[stream.marks?.cache === 'hit' ? 'known' : 'made']++;
      } catch {
        counts.failed++;
      }
    }
    return counts;
  }

  /** The lease bounds it: what is not ready by then is another worker's. */
  async #untilAllowed(): Promise<void> {
    const { signal } = this.#abort;
    for (let waitedMs = 0; waitedMs < leaseMs && !signal.aborted; waitedMs += pauseMs) {
      if (this.#options.isOptionalAllowed()) return;
      await pause(pauseMs, signal).catch(() => undefined);
    }
  }

  #release(lease: Lease): void {
    try {
      this.#options.leases.release(lease);
    } catch {
      // It ends with this process.
    }
  }
}

/** @throws Error that names the line which is none */
async function readJobs(path: string): Promise<GenerationJob[]> {
  const { size } = await stat(path);
  if (size > maxBytes) throw new Error(`the file has ${size} bytes, more than ${maxBytes}`);
  const lines = (await readFile(path, 'utf8')).split('\n');
  if (lines.length > maxLines + 1) throw new Error(`the file has more than ${maxLines} lines`);
  return lines.flatMap((line, index) => (line.trim() === '' ? [] : [readJob(line, index + 1)]));
}

function readJob(line: string, number: number): GenerationJob {
  const {
    path,
    body,
    tenant = anonymous,
    key = tenant === anonymous ? anonymous : undefined,
  } = parseObject(line) ?? {};
  const known = paths.find(one => one === path);
  if (known === undefined) throw new Error(`line ${number}: "path" must be ${paths.join(' or ')}`);
  if (!isObject(body) || typeof body['model'] !== 'string') {
    throw new Error(`line ${number}: "body" must be an object with a model`);
  }
  if (typeof tenant !== 'string' || !(key === undefined || typeof key === 'string')) {
    throw new Error(`line ${number}: "tenant" and "key" must be texts`);
  }
  const request: JsonObject = { ...body, stream: true };
  return {
    path: known,
    model: body['model'],
    body: JSON.stringify(request),
    request,
    gathered: true,
    tenant,
    owner: key,
    wishes: { noStore: false, allow: true, refuseDegraded: true, tags: [] },
    asker: { owner: 'deci', priority: 'background' },
  };
}
