/** From a request to the tokens of its answer, all of it before the first byte is sent. */
import { answerTokens, countTokens, cutAtStop, echoedText, thinkingTokens } from './answers.ts';
import { isJsonObject } from './body-json.ts';
import type { InferenceJob } from './inference-job.ts';
import { jsonFromSchema } from './json-from-schema.ts';
import { nameKey } from './model-name.ts';
import type { FakeModel } from './models.ts';
import type { Options } from './runner-options.ts';
import { type ToolCall, toolCallsFor } from './tool-calls.ts';
import { WireError } from './wire-error.ts';

export interface Completion {
  thinking: string[];
  tokens: string[];
  toolCalls: ToolCall[];
  reason: 'stop' | 'length';
  promptTokens: number;
}

const SAMPLING_OPTIONS = ['seed', 'temperature', 'top_k', 'top_p', 'min_p', 'typical_p', 'repeat_penalty'] as const;
const ANY_OBJECT = {
  type: 'object',
  properties: { answer: { type: 'string' }, score: { type: 'integer', minimum: 0, maximum: 100 } },
};

/** Everything that may change the words. Lengths are left out, so that a shorter answer is the start of a longer one. */
function seedTextOf(job: InferenceJob, model: FakeModel): string {
  const sampling = JSON.stringify(SAMPLING_OPTIONS.map(name => job.options[name]));
  const extras = job.format === undefined && job.tools.length === 0 ? '' : JSON.stringify([job.format, job.tools]);
  return `${nameKey(model.name)}\n${sampling}\n${model.system}\n${extras}\n${job.prompt}`;
}

function stopsOf(options: Options): readonly string[] {
  const stop = options['stop'];
  return Array.isArray(stop) ? stop : [];
}

function hasFormat(job: InferenceJob): boolean {
  return job.format !== undefined && job.format !== '';
}

function fixedText(job: InferenceJob, model: FakeModel, seedText: string): string | undefined {
  if (hasFormat(job)) {
    if (job.format !== 'json' && !isJsonObject(job.format)) {
      const shown = JSON.stringify(JSON.stringify(job.format));
      throw new WireError(500, `invalid format: ${shown}; expected "json" or a valid JSON Schema object`);
    }
    return JSON.stringify(jsonFromSchema(job.format === 'json' ? ANY_OBJECT : job.format, seedText));
  }
  const echoed = echoedText(job.lastUserText);
  if (echoed !== undefined) return echoed;
  if (job.imageBytes.length === 0 || !model.capabilities.includes('vision')) return undefined;
  const sizes = job.imageBytes.map(bytes => `${bytes} bytes`).join(', ');
  return `${job.imageBytes.length} ${job.imageBytes.length === 1 ? 'image' : 'images'}: ${sizes}`;
}

export function completeJob(job: InferenceJob, model: FakeModel, defaultTokens: number): Completion {
  const seedText = seedTextOf(job, model);
  const numPredict = job.options['num_predict'];
  const promptTokens = Math.max(1, countTokens(job.prompt));
  const thinking = model.capabilities.includes('thinking') ? thinkingTokens(seedText, job.think ?? true) : [];
  const asksForTools = job.tools.length > 0 && job.lastRole !== 'tool' && !hasFormat(job);
  const toolCalls = asksForTools ? toolCallsFor(job.tools, job.lastUserText, seedText) : [];
  if (toolCalls.length > 0) return { thinking, tokens: [], toolCalls, reason: 'stop', promptTokens };
  const limit = typeof numPredict === 'number' ? numPredict : -1;
  const { tokens, reason } = answerTokens(fixedText(job, model, seedText), seedText, limit, defaultTokens);
  const cut = cutAtStop(tokens, stopsOf(job.options));
  return { thinking, tokens: cut, toolCalls, reason: cut === tokens ? reason : 'stop', promptTokens };
}
