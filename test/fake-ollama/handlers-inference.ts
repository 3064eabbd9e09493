/** /api/generate and /api/chat: checks in the order of Ollama, then the generation. */
import { isJsonObject, type JsonObject, stringField } from './body-json.ts';
import type { Exchange } from './exchange.ts';
import type { FakeServer } from './fake-server.ts';
import { findForChat, findForGenerate, requireCapabilities } from './find-model.ts';
import { generate, stateAnswer } from './generation.ts';
import { chatJob, generateJob, type InferenceJob, rawModeConflict } from './inference-job.ts';
import type { Capability, FakeModel } from './models.ts';
import { checkOptions } from './runner-options.ts';
import { WireError } from './wire-error.ts';

export async function handleGenerate(server: FakeServer, exchange: Exchange): Promise<void> {
  const body = exchange.body();
  const job = generateJob(body);
  const model = findForGenerate(server, job.model);
  if (isUnload(job)) return unload(server, exchange, model, job);
  if (job.raw && rawModeConflict(body)) {
    throw new WireError(400, 'raw mode does not support template, system, or context');
  }
  checkThinking(model, job);
  requireCapabilities(model, job.model, 'generate', job.hasSuffix ? ['completion', 'insert'] : ['completion']);
  checkOptions(job.options);
  await generate(server, exchange, model, job);
}

export async function handleChat(server: FakeServer, exchange: Exchange): Promise<void> {
  const body = exchange.body();
  const job = chatJob(body);
  const model = findForChat(server, job.model);
  if (isUnload(job)) return unload(server, exchange, model, job);
  checkThinking(model, job);
  const wanted: Capability[] = job.tools.length > 0 ? ['completion', 'tools'] : ['completion'];
  requireCapabilities(model, job.model, 'chat', wanted);
  checkOptions(job.options);
  await generate(server, exchange, model, job);
}

/** The model a body names, for the record and for faults that hit one model. */
export function modelOfBody(body: JsonObject | undefined): string | undefined {
  if (!isJsonObject(body)) return undefined;
  const named = body['model'] ?? body['name'];
  return typeof named === 'string' ? named : undefined;
}

const isUnload = (job: InferenceJob): boolean => job.isEmpty && job.keepAliveMs === 0;

function unload(server: FakeServer, exchange: Exchange, model: FakeModel, job: InferenceJob): Promise<void> {
  server.scheduler.expire(model);
  return exchange.jsonText(200, stateAnswer(job, 'unload', server.timing.now()));
}

function checkThinking(model: FakeModel, job: InferenceJob): void {
  if (model.capabilities.includes('thinking')) return;
  if (job.think !== undefined && job.think !== false) {
    throw new WireError(400, `${JSON.stringify(job.model)} does not support thinking`);
  }
}

export const namedModel = (body: JsonObject): string => stringField(body, 'model') || stringField(body, 'name');
