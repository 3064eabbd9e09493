/** /v1/responses, stateless. The body may come compressed with zstd, as newer clients send it. */
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { DeciError } from '../../kernel/errors.ts';
import { impliedOptions } from '../dialects/openai-options.ts';
import { ResponsesRenderer, renderResponse } from '../dialects/responses-render.ts';
import { parseResponsesRequest } from '../dialects/responses-request.ts';
import { parseJsonBody } from '../json-body.ts';
import type { RequestContext } from '../request-context.ts';
import { sendJson } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import type { GenerationDeps } from './generation-support.ts';
import { collectTranslated, streamTranslated, type Translation } from './translated-generation.ts';

const decompress = promisify(zstdDecompress);
/** What a body may grow to, as Ollama has it. */
const maxDecompressedBytes = 20 * 1024 * 1024;

export function openAiResponses(deps: GenerationDeps): Handler {
  return async context => {
    const body = parseJsonBody(await plainBody(context));
    const plan = parseResponsesRequest(body);
    const implied = impliedOptions(body);
    const id = `resp_${context.id}`;
    const { model, stream, forced, echo } = plan;
    const translation: Translation = {
      path: '/api/chat',
      id,
      model,
      stream,
      forced,
      requests: [plan.request],
      implied,
    };
    const options = { id, model, echo, createdAtMs: Date.now(), now: Date.now };
    if (stream) {
      await streamTranslated(context, deps, translation, new ResponsesRenderer(options));
      return;
    }
    const [answer] = await collectTranslated(context, deps, translation);
    if (answer !== undefined) sendJson(context, renderResponse(options, answer));
  };
}

async function plainBody({ req, body }: RequestContext): Promise<Buffer> {
  if (req.headers['content-encoding']?.toLowerCase() !== 'zstd') return body;
  try {
    return await decompress(body, { maxOutputLength: maxDecompressedBytes });
  } catch (cause) {
    const tooLarge = cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';
    if (tooLarge) throw new DeciError('body_too_large', { cause });
    throw new DeciError('malformed_json', { message: 'the body is not valid zstd', cause });
  }
}
