/**
 * Tries again what failed before the client saw anything of it. A stream is given out with its first block in hand, so that a
 * host that breaks before it is still invisible; an answer that the client gets whole is gathered here to its end, so that one
 * that breaks in the middle is made anew. How an answer ended is told to the host's breaker when its lines end.
 */
import { toDeciError } from '../../kernel/errors.ts';
import type { FinalLine } from '../../ollama/ndjson-scanner.ts';
import { assertAnswerSize } from '../answer-limit.ts';
import type { AttemptPlan, AttemptTarget } from '../attempt-plan.ts';
import { type AttemptDeps, withAttempts } from '../attempts.ts';
import type { Generate, NativeStream } from '../generate.ts';
import type { GenerationJob } from '../job.ts';

export type Dispatch = (job: GenerationJob, signal: AbortSignal, plan: AttemptPlan) => Promise<NativeStream>;

export function createResilient(deps: AttemptDeps, dispatch: Dispatch): Generate {
  return (job, signal) =>
    withAttempts(deps, targetOf(job), signal, async plan => {
      const stream = await dispatch(job, signal, plan);
      return job.gathered === true
        ? await gather(stream, plan)
        : await new ObservedStream(stream, plan, signal).begin();
    });
}

function targetOf(job: GenerationJob): AttemptTarget {
  const { model, asker, retry, body } = job;
  return { model, owner: asker.owner, body, embeds: false, timeoutMs: asker.timeoutMs, retry, question: job };
}

class ObservedStream implements NativeStream, AsyncIterableIterator<Buffer> {
  readonly upstream: string | undefined;
  readonly queueMs: number;
  readonly single: boolean;
  readonly #stream: NativeStream;
  readonly #lines: AsyncIterator<Buffer>;
  readonly #plan: AttemptPlan;
  readonly #signal: AbortSignal;
  #first: IteratorResult<Buffer> | undefined;
  /** Until then a failure is the attempt's, and told by whoever makes attempts. */
  #begun = false;

  constructor(stream: NativeStream, plan: AttemptPlan, signal: AbortSignal) {
    this.upstream = stream.upstream;
    this.queueMs = stream.queueMs;
    this.single = stream.single;
    this.#stream = stream;
    this.#lines = stream[Symbol.asyncIterator]();
    this.#plan = plan;
    this.#signal = signal;
  }

  /** Not while the block that it stands in is still in hand. */
  get final(): FinalLine | undefined {
    return this.#first === undefined ? this.#stream.final : undefined;
  }

  /** Waits for the first block. */
  async begin(): Promise<this> {
    this.#first = await this.next();
    this.#begun = true;
    return this;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Without awaiting: it is called for every block of every stream. */
  next(): Promise<IteratorResult<Buffer>> {
    const first = this.#first;
    if (first !== undefined) {
      this.#first = undefined;
      return Promise.resolve(first);
    }
    if (this.#stream.final !== undefined) return Promise.resolve({ done: true, value: undefined });
    return this.#lines.next().then(this.#onRead, this.#onFailure);
  }

  async return(): Promise<IteratorResult<Buffer>> {
    this.#plan.left();
    return (await this.#lines.return?.()) ?? { done: true, value: undefined };
  }

  readonly #onRead = (read: IteratorResult<Buffer>): IteratorResult<Buffer> => {
    if (this.#stream.final !== undefined) this.#plan.pass.succeeded();
    return read;
  };
  readonly #onFailure = (thrown: unknown): never => {
    if (this.#begun) {
      if (this.#signal.aborted) this.#plan.left();
      else this.#plan.failed(toDeciError(thrown));
    }
    throw thrown;
  };
}

/** @throws DeciError of the answer, wherever in it */
async function gather(stream: NativeStream, plan: AttemptPlan): Promise<NativeStream> {
  const blocks: Buffer[] = [];
  let bytes = 0;
  for await (const block of stream) {
    bytes += block.length;
    assertAnswerSize(bytes);
    blocks.push(block);
  }
  plan.pass.succeeded();
  return new GatheredStream(stream, blocks);
}

/** An answer that is all there. */
class GatheredStream implements NativeStream {
  readonly upstream: string | undefined;
  readonly queueMs: number;
  readonly single: boolean;
  readonly final: FinalLine | undefined;
  readonly blocks: readonly Buffer[];

  constructor({ upstream, queueMs, single, final }: NativeStream, blocks: readonly Buffer[]) {
    this.upstream = upstream;
    this.queueMs = queueMs;
    this.single = single;
    this.final = final;
    this.blocks = blocks;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Buffer> {
    yield* this.blocks;
  }
}
