/** The wire form of an answer: lines of a stream, or the one object. What is the same in every line is rendered once. */
import type { Completion } from './completion.ts';
import type { InferenceJob } from './inference-job.ts';
import { logprobOf } from './logprobs.ts';
import { seedOf } from './seeded-random.ts';

export interface Metrics {
  total_duration: number;
  load_duration: number;
  prompt_eval_count: number;
  prompt_eval_duration: number;
  eval_count: number;
  eval_duration: number;
}

const MAX_CONTEXT_TOKENS = 256;

function metricsText(metrics: Metrics): string {
  let text = '';
  for (const [name, value] of Object.entries(metrics)) {
    // Zero is "not measured": Go leaves such fields out.
    if (value > 0) text += `,"${name}":${Math.round(value)}`;
  }
  return text;
}

export class AnswerLines {
  readonly #job: InferenceJob;
  readonly #completion: Completion;
  readonly #head: string;

  constructor(job: InferenceJob, completion: Completion) {
    this.#job = job;
    this.#completion = completion;
    this.#head = `{"model":${JSON.stringify(job.model)},"created_at":"`;
  }

  /** Lines before the last one. */
  get count(): number {
    const { thinking, tokens, toolCalls } = this.#completion;
    return thinking.length + tokens.length + (toolCalls.length > 0 ? 1 : 0);
  }

  get evalCount(): number {
    const { thinking, tokens, toolCalls } = this.#completion;
    return thinking.length + tokens.length + toolCalls.length * 8;
  }

  line(index: number, createdAt: string): string {
    const { thinking, tokens, toolCalls } = this.#completion;
    const thought = thinking[index];
    if (thought !== undefined)
      return this.#chunk(createdAt, this.#text('', thought, ''), this.#logprobs([thought], index));
    const token = tokens[index - thinking.length];
    if (token === undefined) return this.#chunk(createdAt, this.#text('', '', JSON.stringify(toolCalls)), '');
    return this.#chunk(createdAt, this.#text(token, '', ''), this.#logprobs([token], index));
  }

  last(createdAt: string, metrics: Metrics): string {
    return `${this.#final(createdAt, this.#text('', '', ''), metrics, '')}\n`;
  }

  whole(createdAt: string, metrics: Metrics): string {
    const { thinking, tokens, toolCalls } = this.#completion;
    const calls = toolCalls.length > 0 ? JSON.stringify(toolCalls) : '';
    const text = this.#text(tokens.join(''), thinking.join(''), calls);
    return this.#final(createdAt, text, metrics, this.#logprobs([...thinking, ...tokens], 0));
  }

  #chunk(createdAt: string, text: string, logprobs: string): string {
    return `${this.#head}${createdAt}",${text},"done":false${logprobs}}\n`;
  }

  #final(createdAt: string, text: string, metrics: Metrics, logprobs: string): string {
    const done = `,"done":true,"done_reason":"${this.#completion.reason}"`;
    return `${this.#head}${createdAt}",${text}${done}${this.#context()}${metricsText(metrics)}${logprobs}}`;
  }

  #text(content: string, thinking: string, toolCalls: string): string {
    const thought = thinking === '' ? '' : `,"thinking":${JSON.stringify(thinking)}`;
    if (this.#job.kind === 'generate') return `"response":${JSON.stringify(content)}${thought}`;
    const calls = toolCalls === '' ? '' : `,"tool_calls":${toolCalls}`;
    return `"message":{"role":"assistant","content":${JSON.stringify(content)}${thought}${calls}}`;
  }

  #context(): string {
    if (this.#job.kind === 'chat' || this.#job.raw) return '';
    const count = Math.min(MAX_CONTEXT_TOKENS, this.#completion.promptTokens + this.evalCount);
    const first = seedOf(this.#job.prompt) % 100_000;
    return `,"context":[${Array.from({ length: count }, (_, index) => (first + index * 31) % 128_256).join(',')}]`;
  }

  #logprobs(tokens: readonly string[], from: number): string {
    if (!this.#job.logprobs || tokens.length === 0) return '';
    return `,"logprobs":${JSON.stringify(tokens.map((token, index) => logprobOf(token, from + index, this.#job.topLogprobs)))}`;
  }
}
