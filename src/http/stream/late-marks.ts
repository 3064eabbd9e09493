/**
 * Marks of an answer whose headers left before anybody knew them, with a sign of life: repeated at its end, where NDJSON
 * has room in the last object and SSE in a comment.
 */
import type { RequestContext } from '../request-context.ts';

const lineFeed = 10;

/** Gives the lines on, and the marks in the last of them. */
export async function* markedLines(
  context: RequestContext,
  lines: AsyncIterable<Buffer>,
  isEnd: () => boolean,
): AsyncGenerator<Buffer> {
  for await (const block of lines) {
    const marks = isEnd() && block.at(-1) === lineFeed ? lateMarks(context) : undefined;
    if (marks === undefined) yield block;
    else yield Buffer.concat([block.subarray(0, block.lastIndexOf('}')), Buffer.from(`,"deci":${marks}}\n`)]);
  }
}

/** The comment behind an event stream; empty when the headers have said it. */
export function marksComment(context: RequestContext): string {
  const marks = lateMarks(context);
  return marks === undefined ? '' : `: deci ${marks}\n\n`;
}

function lateMarks({ marks, upstream, queueMs }: RequestContext): string | undefined {
  if (marks?.late !== true) return undefined;
  const { cache, degraded, model, adjusted = [] } = marks;
  const changes = adjusted.length === 0 ? undefined : adjusted;
  return JSON.stringify({ cache, upstream, degraded, model, adjusted: changes, queue_ms: queueMs ?? 0 });
}
