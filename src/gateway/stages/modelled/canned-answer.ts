/** The last thing that can be said: a fixed text, in the form of an answer and marked as none. */
import type { FinalLine } from '../../../ollama/ndjson-scanner.ts';
import type { AnswerMarks, NativeStream } from '../../generate.ts';
import type { GenerationJob } from '../../job.ts';

export class CannedAnswer implements NativeStream {
  readonly upstream = undefined;
  readonly queueMs = 0;
  readonly single = false;
  readonly marks: AnswerMarks = { cache: 'bypass', degraded: 'fallback_text' };
  readonly #lines: readonly [said: object, end: FinalLine];
  #final: FinalLine | undefined;

  constructor({ path, model }: GenerationJob, text: string) {
    const about = { model, created_at: new Date().toISOString() };
    const saying = (content: string): object =>
      path === '/api/chat' ? { message: { role: 'assistant', content } } : { response: content };
    this.#lines = [
      { ...about, ...saying(text), done: false },
      { ...about, ...saying(''), done: true, done_reason: 'stop' },
    ];
  }

  get final(): FinalLine | undefined {
    return this.#final;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Buffer> {
    this.#final = this.#lines[1];
    yield Buffer.from(this.#lines.map(line => `${JSON.stringify(line)}\n`).join(''));
  }
}
