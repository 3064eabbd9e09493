/** What the bench upstream says, rendered once, and what a client must therefore have got. */

export const model = 'bench:latest';
export const upstreamVersion = '0.30.0';
export const tokenCount = 20;

const createdAt = '2026-08-01T12:00:00.123456789Z';
const tokens = Array.from({ length: tokenCount }, (_, index) => ` word${String(index).padStart(2, '0')}`);

const counts = {
  done: true,
  done_reason: 'stop',
  total_duration: 912_345_678,
  load_duration: 12_345_678,
  prompt_eval_count: 26,
  prompt_eval_duration: 100_234_567,
  eval_count: tokenCount,
  eval_duration: 800_123_456,
};

export const versionJson = JSON.stringify({ version: upstreamVersion });

export const tagsJson = JSON.stringify({
  models: [{ name: model, model, modified_at: createdAt, size: 2_019_393_189, digest: 'a80c4f17acd5', details: {} }],
});

/** Every token's text has this in front, so that tokens can be counted in any dialect. */
export const tokenMark = Buffer.from('"content":" word');
export const wholeText = tokens.join('');

export const chatJson = Buffer.from(
  JSON.stringify({ model, created_at: createdAt, message: { role: 'assistant', content: wholeText }, ...counts }),
);

export const finalLine = Buffer.from(
  `${JSON.stringify({ model, created_at: createdAt, message: { role: 'assistant', content: '' }, ...counts })}\n`,
);

export const chatLines = Buffer.concat([...tokens.map(token => Buffer.from(tokenLine(token))), finalLine]);

export function tokenLine(content: string): string {
  return `{"model":"${model}","created_at":"${createdAt}","message":{"role":"assistant","content":"${content}"},"done":false}\n`;
}

export interface Pacing {
  /** Names the stream in each of its tokens. */
  readonly id: string;
  readonly tokens: number;
  readonly perSecond: number;
}

/** The prompt carries what the upstream must know, since every server under test passes prompts on as they are. */
export function pacedPrompt({ id, tokens: count, perSecond }: Pacing): string {
  return `paced:${id}:${count}:${perSecond}`;
}

export function readPacing(body: string): Pacing | undefined {
  const match = /paced:(\w+):(\d+):(\d+)/.exec(body);
  if (match === null) return undefined;
  const [, id = '', count, perSecond] = match;
  return { id, tokens: Number(count), perSecond: Number(perSecond) };
}

/** One token of a paced stream: whose it is, its place, and when it was sent. */
export function pacedToken(id: string, index: number, sentUs: number): string {
  return ` word ${id} ${index} ${sentUs}`;
}

export const pacedTokenPattern = / word (\w+) (\d+) (\d+)"/g;

/** Monotonic time in microseconds, the same in every process of this machine. */
export function nowUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000_000 + Math.round(nanoseconds / 1000);
}
