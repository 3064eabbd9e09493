/** Runs one generation: a runner, a slot, the prompt, the tokens; and gives everything back whatever happens. */
import { AnswerLines, type Metrics } from './answer-lines.ts';
import { countTokens } from './answers.ts';
import { type Completion, completeJob } from './completion.ts';
import type { Exchange } from './exchange.ts';
import type { FakeServer } from './fake-server.ts';
import type { InferenceJob } from './inference-job.ts';
import type { FakeModel } from './models.ts';
import type { Runner } from './runner.ts';
import { runnerSettings } from './runner-options.ts';
import { cachedLength, type Slot } from './slots.ts';
import { rfc3339Nano } from './timing.ts';

const NANOSECONDS = 1e6;

export async function acquireRunner(
  server: FakeServer,
  exchange: Exchange,
  model: FakeModel,
  job: RunnerNeeds,
): Promise<Runner> {
  const request = {
    model,
    settings: runnerSettings(job.options, job.shift),
    keepAliveMs: job.keepAliveMs,
    ...(exchange.fault?.fault === 'cold-load' ? { loadMs: exchange.fault.ms ?? server.options.loadMs } : {}),
  };
  return server.scheduler.tryAcquire(request) ?? (await server.scheduler.acquire(request, exchange.signal));
}

export type RunnerNeeds = Pick<InferenceJob, 'options' | 'shift' | 'keepAliveMs'>;

/** What the prompt costs in this slot; the slot then remembers the prompt. */
export function promptCostMs(server: FakeServer, slot: Slot, prompt: string): number {
  const { firstTokenMs, promptTokenMs } = server.options;
  const known = promptTokenMs === 0 ? 0 : countTokens(prompt.slice(0, cachedLength(slot, prompt)));
  slot.cachedPrompt = prompt;
  return firstTokenMs + promptTokenMs * Math.max(0, countTokens(prompt) - known);
}

export async function generate(
  server: FakeServer,
  exchange: Exchange,
  model: FakeModel,
  job: InferenceJob,
): Promise<void> {
  const startMs = server.timing.now();
  const runner = await acquireRunner(server, exchange, model, job);
  try {
    const loadedMs = server.timing.now();
    if (job.isEmpty) return await exchange.jsonText(200, stateAnswer(job, 'load', loadedMs));
    if (runner.isWedged) return await exchange.output().closed();
    if (job.renderOnly) return await exchange.json(200, renderedPrompt(job, loadedMs));
    const completion = applyTokenFaults(exchange, completeJob(job, model, server.options.tokens));
    const slot = await takeSlot(server, runner, job.prompt, exchange);
    try {
      server.recorder.generationStarted();
      const promptMs = promptCostMs(server, slot, job.prompt);
      // Not tied to the client: a runner notices that nobody listens only when the prompt is done.
      if (promptMs > 0) await server.timing.sleep(promptMs);
      const clock = { startMs, loadedMs, promptMs, firstTokenMs: server.timing.now() };
      const answer = { completion, lines: new AnswerLines(job, completion), isStream: job.stream, clock };
      if (!exchange.isGone) await new Answering(server, exchange, answer).run();
    } finally {
      server.recorder.generationEnded();
      runner.slots.give(slot);
    }
  } finally {
    server.scheduler.release(runner);
  }
}

export function takeSlot(server: FakeServer, runner: Runner, prompt: string, exchange: Exchange): Slot | Promise<Slot> {
  const slot = runner.slots.tryTake(prompt);
  if (slot) return slot;
  const waiting = runner.slots.take(prompt, exchange.signal);
  server.recorder.changed();
  return waiting;
}

/** Some faults need an answer of a certain kind to work on. */
function applyTokenFaults(exchange: Exchange, completion: Completion): Completion {
  const { fault } = exchange;
  if (fault?.fault === 'repeat-token')
    return { ...completion, toolCalls: [], tokens: Array.from({ length: 30 }, () => ' the') };
  if (fault?.fault === 'split-utf8' && !/[\u0080-\uffff]/.test(completion.tokens.join(''))) {
    return { ...completion, tokens: ['😀', ...completion.tokens] };
  }
  return completion;
}

export function stateAnswer(
  job: Pick<InferenceJob, 'kind' | 'model'>,
  reason: 'load' | 'unload',
  nowMs: number,
): string {
  const text = job.kind === 'chat' ? '"message":{"role":"assistant","content":""}' : '"response":""';
  return `{"model":${JSON.stringify(job.model)},"created_at":"${rfc3339Nano(nowMs)}",${text},"done":true,"done_reason":"${reason}"}`;
}

function renderedPrompt(job: InferenceJob, nowMs: number): object {
  return {
    model: job.model,
    created_at: rfc3339Nano(nowMs),
    ...(job.kind === 'chat' ? { message: { role: '', content: '' } } : { response: '' }),
    done: false,
    _debug_info: { rendered_template: job.prompt, image_count: job.imageBytes.length },
  };
}

interface Clock {
  startMs: number;
  loadedMs: number;
  promptMs: number;
  firstTokenMs: number;
}

interface Answer {
  completion: Completion;
  lines: AnswerLines;
  isStream: boolean;
  clock: Clock;
}

class Answering {
  readonly #server: FakeServer;
  readonly #exchange: Exchange;
  readonly #completion: Completion;
  readonly #lines: AnswerLines;
  readonly #clock: Clock;
  readonly #isStream: boolean;

  constructor(server: FakeServer, exchange: Exchange, answer: Answer) {
    this.#server = server;
    this.#exchange = exchange;
    this.#completion = answer.completion;
    this.#lines = answer.lines;
    this.#clock = answer.clock;
    this.#isStream = answer.isStream;
  }

  run(): Promise<void> | void {
    if (!this.#isStream) return this.#whole();
    if (this.#server.options.tokenMs === 0 && !this.#exchange.hasBodyFault) return this.#burst();
    return this.#paced();
  }

  #burst(): void {
    const createdAt = rfc3339Nano(this.#clock.firstTokenMs);
    let text = '';
    for (let index = 0; index < this.#lines.count; index++) text += this.#lines.line(index, createdAt);
    this.#exchange.burst(text + this.#lines.last(createdAt, this.#metrics()));
  }

  async #paced(): Promise<void> {
    const { timing, options } = this.#server;
    const { signal } = this.#exchange;
    const sink = this.#exchange.lines(this.#lines.count + 1);
    // Due times are reckoned from the start, so that pauses below a timer's resolution still add up.
    for (let index = 0; index < this.#lines.count; index++) {
      const waitMs = this.#clock.firstTokenMs + index * options.tokenMs - timing.now();
      if (waitMs > 0) await timing.sleep(waitMs, signal);
      if (signal.aborted) return;
      if (!(await sink.write(this.#lines.line(index, rfc3339Nano(timing.now(), index))))) return;
    }
    if (await sink.write(this.#lines.last(rfc3339Nano(timing.now()), this.#metrics()))) sink.end();
  }

  async #whole(): Promise<void> {
    const { timing, options } = this.#server;
    const waitMs = this.#lines.count * options.tokenMs;
    if (waitMs > 0) await timing.sleep(waitMs, this.#exchange.signal);
    if (this.#exchange.isGone) return;
    await this.#exchange.jsonText(200, this.#lines.whole(rfc3339Nano(timing.now()), this.#metrics()));
  }

  #metrics(): Metrics {
    const { startMs, loadedMs, promptMs, firstTokenMs } = this.#clock;
    const nowMs = this.#server.timing.now();
    const nanoseconds = (ms: number) => Math.max(1, Math.round(ms * NANOSECONDS));
    return {
      total_duration: nanoseconds(nowMs - startMs),
      load_duration: nanoseconds(loadedMs - startMs),
      prompt_eval_count: this.#completion.promptTokens,
      prompt_eval_duration: promptMs * NANOSECONDS,
      eval_count: this.#lines.evalCount,
      eval_duration: nanoseconds(nowMs - firstTokenMs),
    };
  }
}
