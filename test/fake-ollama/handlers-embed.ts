/** /api/embed and its predecessor /api/embeddings. */

import { countTokens } from './answers.ts';
import { booleanField, numberField, objectField, stringField } from './body-json.ts';
import { parseKeepAliveMs } from './duration.ts';
import { EMBEDDING_DIMENSIONS, normalize, rawEmbedding } from './embedding-vector.ts';
import type { Exchange } from './exchange.ts';
import type { FakeServer } from './fake-server.ts';
import { findForEmbed, findForEmbeddings } from './find-model.ts';
import { acquireRunner, promptCostMs, takeSlot } from './generation.ts';
import { nameKey } from './model-name.ts';
import type { FakeModel } from './models.ts';
import type { Runner } from './runner.ts';
import { checkOptions } from './runner-options.ts';
import { WireError } from './wire-error.ts';

function readInput(value: unknown): string[] {
  if (value === undefined || value === null || value === '') return [];
  if (typeof value === 'string') return [value];
  if (Array.isArray(value) && value.every(item => typeof item === 'string')) return value;
  throw new WireError(400, 'invalid input type');
}

export async function handleEmbed(server: FakeServer, exchange: Exchange): Promise<void> {
  const startMs = server.timing.now();
  const body = exchange.body();
  const asked = stringField(body, 'model');
  const dimensions = numberField(body, 'dimensions');
  const truncate = booleanField(body, 'truncate') ?? true;
  const job = {
    options: objectField(body, 'options'),
    shift: undefined,
    keepAliveMs: parseKeepAliveMs(body['keep_alive']),
  };
  const input = readInput(body['input']);
  const model = findForEmbed(server, asked);
  checkOptions(job.options);
  const runner = await acquireRunner(server, exchange, model, job);
  try {
    const loadedMs = server.timing.now();
    if (input.length === 0) return await exchange.json(200, { model: asked, embeddings: [] });
    if (!truncate) checkLength(input, runner);
    const vectors = await embedAll(server, exchange, {
      runner,
      input,
      dimensions: dimensions > 0 ? dimensions : EMBEDDING_DIMENSIONS,
    });
    if (exchange.isGone) return;
    await exchange.json(200, {
      model: asked,
      embeddings: vectors.map(normalize),
      total_duration: Math.max(1, Math.round((server.timing.now() - startMs) * 1e6)),
      load_duration: Math.max(1, Math.round((loadedMs - startMs) * 1e6)),
      prompt_eval_count: input.reduce((sum, text) => sum + countTokens(text), 0),
    });
  } finally {
    server.scheduler.release(runner);
  }
}

export async function handleEmbeddings(server: FakeServer, exchange: Exchange): Promise<void> {
  const body = exchange.body();
  const prompt = stringField(body, 'prompt');
  const job = {
    options: objectField(body, 'options'),
    shift: undefined,
    keepAliveMs: parseKeepAliveMs(body['keep_alive']),
  };
  const model: FakeModel = findForEmbeddings(server, stringField(body, 'model'));
  checkOptions(job.options);
  const runner = await acquireRunner(server, exchange, model, job);
  try {
    if (prompt === '') return await exchange.json(200, { embedding: [] });
    const [embedding] = await embedAll(server, exchange, { runner, input: [prompt], dimensions: EMBEDDING_DIMENSIONS });
    if (!exchange.isGone) await exchange.json(200, { embedding });
  } finally {
    server.scheduler.release(runner);
  }
}

function checkLength(input: readonly string[], runner: Runner): void {
  if (input.some(text => countTokens(text) > runner.contextLength)) {
    throw new WireError(400, 'the input length exceeds the context length');
  }
}

interface EmbedWork {
  runner: Runner;
  input: readonly string[];
  dimensions: number;
}

async function embedAll(server: FakeServer, exchange: Exchange, work: EmbedWork): Promise<number[][]> {
  const { runner, input, dimensions } = work;
  const key = nameKey(runner.model.name);
  const whole = input.join('\n');
  const slot = await takeSlot(server, runner, whole, exchange);
  try {
    server.recorder.generationStarted();
    const costMs = promptCostMs(server, slot, whole);
    if (costMs > 0) await server.timing.sleep(costMs);
    return input.map(text => rawEmbedding(key, text, dimensions));
  } finally {
    server.recorder.generationEnded();
    runner.slots.give(slot);
  }
}
