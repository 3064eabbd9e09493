/**
 * /api/generate and /api/chat. Upstream is always asked to stream: a stream is relayed byte for byte, a whole answer is
 * gathered here, so that it can be told from one that was cut.
 */
import { collectNative } from '../../gateway/collect.ts';
import type { GenerationPath } from '../../gateway/job.ts';
import type { DeciError } from '../../kernel/errors.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { readJsonBody, withCanonicalKeys, withMember } from '../json-body.ts';
import { sendJsonText } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import { markedLines } from '../stream/late-marks.ts';
import { streamAnswer } from '../stream/stream-answer.ts';
import { type GenerationDeps, noteUsage, startGeneration } from './generation-support.ts';

const decidingKeys = new Set(['model', 'stream', 'messages', 'prompt']);

export function nativeGeneration(path: GenerationPath, deps: GenerationDeps): Handler {
  return async context => {
    const { value, text } = readJsonBody(context.body);
    const request = withCanonicalKeys(value, decidingKeys);
    const model = typeof request['model'] === 'string' ? request['model'] : '';
    context.model = model;
    if (request['stream'] === false) {
      const body = withMember(text, '"stream":true');
      const stream = await startGeneration(context, deps, { path, model, body, request, gathered: true });
      const whole = stream.record?.whole ?? JSON.stringify(await collectNative(stream));
      if (stream.record !== undefined) stream.record.whole = whole;
      noteUsage(context, stream);
      sendJsonText(context, whole);
      return;
    }
    // The answer to loading a model is one object, and a sign of life in front of it would make it a stream.
    const heartbeatMs = onlyLoads(path, request) ? undefined : deps.heartbeatMs;
    await streamAnswer(context, nativeFormat(path, model), { heartbeatMs }, async () => {
      const stream = await startGeneration(context, deps, { path, model, body: context.body, request });
      const ended = (): boolean => stream.final !== undefined;
      return {
        frames: context.marks?.late === true ? markedLines(context, stream, ended) : stream,
        ended,
        onComplete: () => noteUsage(context, stream),
        contentType: stream.single ? 'application/json; charset=utf-8' : undefined,
      };
    });
  };
}

/** Without anything to answer, Ollama only loads the model, or unloads it. */
function onlyLoads(path: GenerationPath, request: JsonObject): boolean {
  const question = path === '/api/chat' ? request['messages'] : request['prompt'];
  return (
    question === undefined || question === null || question === '' || (Array.isArray(question) && question.length === 0)
  );
}

function nativeFormat(path: GenerationPath, model: string) {
  return {
    contentType: 'application/x-ndjson',
    // NDJSON has no comments: the only harmless line is a chunk that says nothing.
    heartbeat: (): string => {
      const silence = path === '/api/chat' ? { message: { role: 'assistant', content: '' } } : { response: '' };
      return `${JSON.stringify({ model, created_at: new Date().toISOString(), ...silence, done: false })}\n`;
    },
    fail: nativeFailure,
  };
}

/** Ollama's own way to say that a stream failed: a last line with `error`, and no `done`. */
export function nativeFailure(error: DeciError, requestId: string): string {
  const text = error.code === 'upstream_failed' ? error.message : `${error.message} (request ${requestId})`;
  return `${JSON.stringify({ error: text })}\n`;
}
