/**
 * Inference in a dialect that Ollama does not speak: native requests upstream, events back, and a renderer or a whole
 * answer in the client's words. Several answers to one request (`n`) run side by side.
 */
import { collectAnswer, type EventMap } from '../../gateway/collect.ts';
import { decodeLines } from '../../gateway/decode-lines.ts';
import type { NativeStream } from '../../gateway/generate.ts';
import type { CollectedAnswer, GenerationEvent } from '../../gateway/generation.ts';
import type { GenerationPath } from '../../gateway/job.ts';
import { DeciError } from '../../kernel/errors.ts';
import type { StreamRenderer } from '../dialects/dialect.ts';
import { ForcedToolReader, type ForcedTools } from '../dialects/tool-choice.ts';
import type { RequestContext } from '../request-context.ts';
import { marksComment } from '../stream/late-marks.ts';
import { mergeStreams } from '../stream/merge-streams.ts';
import { streamAnswer } from '../stream/stream-answer.ts';
import { type GenerationDeps, type HandlerJob, noteUsage, startGeneration } from './generation-support.ts';

/** What the bodies of one client's request may take while they are sent. */
const maxBodiesBytes = 64 * 1024 * 1024;

/** The native request of one answer; every dialect's plan makes them. */
interface NativeRequest {
  readonly model: string;
}

export interface Translation {
  readonly path: GenerationPath;
  readonly model: string;
  /** One per answer. */
  readonly requests: readonly NativeRequest[];
  readonly stream: boolean;
  /** Unique; names the answer and the calls in it. */
  readonly id: string;
  readonly forced?: ForcedTools | undefined;
  /** See `GenerationJob`. */
  readonly implied?: readonly string[] | undefined;
  /** Asked when Ollama refuses a request: another one to send instead, if there is one. */
  readonly instead?: (refused: DeciError) => NativeRequest | undefined;
}

interface ChoiceRenderer extends StreamRenderer {
  renderChoice?(index: number, events: readonly GenerationEvent[]): string;
}

/** Never rejects once the answer has begun. */
export async function streamTranslated(
  context: RequestContext,
  deps: GenerationDeps,
  translation: Translation,
  renderer: ChoiceRenderer,
): Promise<void> {
  await streamAnswer(context, renderer, deps, async () => {
    const streams = await startAll(context, deps, translation);
    const rendered = streams.map((stream, index) =>
      renderStream(context, stream, eventMap(translation, index), events =>
        index === 0 || renderer.renderChoice === undefined
          ? renderer.render(events)
          : renderer.renderChoice(index, events),
      ),
    );
    const [only] = rendered;
    const frames = rendered.length === 1 && only !== undefined ? only : mergeStreams(rendered);
    return {
      frames: context.marks?.late === true ? withComment(context, frames) : frames,
      ended: () => streams.every(stream => stream.final !== undefined),
    };
  });
}

/** @throws DeciError when any of the answers fails: part of what was asked for is not what was asked for */
export async function collectTranslated(
  context: RequestContext,
  deps: GenerationDeps,
  translation: Translation,
): Promise<CollectedAnswer[]> {
  const streams = await startAll(context, deps, { ...translation, stream: false });
  const collecting = streams.map(async (stream, index) => {
    const answer = await collectAnswer(stream, eventMap(translation, index));
    noteUsage(context, stream);
    return answer;
  });
  return await allOrAbort(context, collecting);
}

async function startAll(
  context: RequestContext,
  deps: GenerationDeps,
  translation: Translation,
): Promise<NativeStream[]> {
  const bodies = serialise(translation.requests);
  return await allOrAbort(
    context,
    bodies.map((body, index) => start(context, deps, translation, { body, ...numbered(translation, index) })),
  );
}

/**
 * One body per answer. Requests that are the same object share theirs: with images in it, a copy for each of many answers
 * would be more than a worker can hold.
 * @throws DeciError `body_too_large` when different requests (a seed makes them so) come to too much together
 */
function serialise(requests: readonly NativeRequest[]): Buffer[] {
  const bodies = new Map<NativeRequest, Buffer>();
  const count = new Set(requests).size;
  return requests.map(request => {
    const body = bodies.get(request) ?? Buffer.from(JSON.stringify(request));
    if (count > 1 && count * body.length > maxBodiesBytes) {
      throw new DeciError('body_too_large', {
        message: `a seed makes ${count} requests of this one, more than 64 MB together: ask for fewer answers or leave the seed out`,
        param: 'n',
      });
    }
    bodies.set(request, body);
    return body;
  });
}

/** Several answers to one request are wanted because they differ. */
function numbered({ requests }: Translation, index: number): Pick<HandlerJob, 'request' | 'variant'> {
  return {
    request: { ...requests[index] },
    variant: requests.indexOf(requests[index] as NativeRequest) === index ? 0 : index,
  };
}

async function start(
  context: RequestContext,
  deps: GenerationDeps,
  translation: Translation,
  job: Omit<HandlerJob, 'path' | 'model'>,
): Promise<NativeStream> {
  const { path, model, instead, stream, implied } = translation;
  const gathered = !stream;
  try {
    return await startGeneration(context, deps, { path, model, ...job, gathered, implied });
  } catch (error) {
    const other = error instanceof DeciError ? instead?.(error) : undefined;
    if (other === undefined) throw error;
    return await startGeneration(context, deps, {
      path,
      model,
      body: Buffer.from(JSON.stringify(other)),
      gathered,
      implied,
    });
  }
}

async function* withComment(
  context: RequestContext,
  frames: AsyncIterable<Buffer | string>,
): AsyncGenerator<Buffer | string> {
  yield* frames;
  yield marksComment(context);
}

function eventMap({ forced, id }: Translation, index: number): EventMap | undefined {
  if (forced === undefined) return undefined;
  const reader = new ForcedToolReader(forced, `call_${id}_${index}`);
  return events => reader.read(events);
}

async function* renderStream(
  context: RequestContext,
  stream: NativeStream,
  map: EventMap | undefined,
  render: (events: readonly GenerationEvent[]) => string,
): AsyncGenerator<string> {
  for await (const block of stream) {
    const events = decodeLines(block);
    yield render(map === undefined ? events : map(events));
  }
  noteUsage(context, stream);
}

/** As soon as one fails the others are of no use, and their hosts must hear of it. */
async function allOrAbort<T>(context: RequestContext, work: ReadonlyArray<Promise<T>>): Promise<T[]> {
  if (work.length === 1) return await Promise.all(work);
  try {
    return await Promise.all(work);
  } catch (error) {
    const failure = error instanceof DeciError ? error : new DeciError('internal', { cause: error });
    context.abort(failure);
    await Promise.allSettled(work);
    throw failure;
  }
}
