/** pull, push and create: hours of progress lines, relayed as they come; they end well only with `status: success`. */
import { firstThatHas } from '../../ollama/first-that-has.ts';
import { type NativeAnswer, nativeAnswer } from '../../ollama/native-answer.ts';
import { progressLines } from '../../ollama/ndjson-scanner.ts';
import { readJsonBody, withCanonicalKeys, withMember } from '../json-body.ts';
import type { RequestContext } from '../request-context.ts';
import { sendJson } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import { streamAnswer } from '../stream/stream-answer.ts';
import { noteUpstream } from './generation-support.ts';
import { nativeFailure } from './native-generation.ts';
import { type RelayDeps, upstreamRequest } from './native-relay.ts';

const decidingKeys = new Set(['model', 'name', 'stream']);

export function nativeProgress(deps: RelayDeps): Handler {
  return async context => {
    const { value, text } = readJsonBody(context.body);
    const request = withCanonicalKeys(value, decidingKeys);
    const model = request['model'] ?? request['name'];
    context.model = typeof model === 'string' ? model : '';
    if (request['stream'] === false) {
      const answer = await openProgress(context, deps, withMember(text, '"stream":true'));
      for await (const _ of answer) context.throwIfAborted();
      sendJson(context, answer.final ?? {});
      return;
    }
    // A pull says where it is several times a second, so it needs no heartbeat of ours.
    await streamAnswer(context, progressFormat, { heartbeatMs: undefined }, async () => ({
      frames: await openProgress(context, deps, context.body),
    }));
  };
}

const progressFormat = {
  contentType: 'application/x-ndjson',
  heartbeat: (): string => '',
  fail: nativeFailure,
};

async function openProgress(context: RequestContext, deps: RelayDeps, body: Buffer | string): Promise<NativeAnswer> {
  const { hosts, limits } = deps;
  const request = { ...upstreamRequest(context), body };
  const attempt = await firstThatHas([hosts.home()], left => hosts.open(request, limits, context.signal, left));
  noteUpstream(context, attempt.host.name);
  return nativeAnswer(attempt, { kind: progressLines });
}
