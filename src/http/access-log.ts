/**
 * One line per request, formatted once, by hand: this runs for every request, always. Only values that a client chose are
 * escaped; everything else is known to be plain.
 */
import type { RequestContext, RequestMarks } from './request-context.ts';

/** A request that left the process with this much more on its books is worth its own number in the log. */
const largeBodyBytes = 1024 * 1024;
/** So is what it held itself, of one that held much. */
const heavyBytes = 8 * 1024 * 1024;

export interface AccessLogOptions {
  readonly source: string;
  readonly pid: number;
  readonly write: (line: string) => void;
  readonly now: () => number;
}

export function createAccessLog({ source, pid, write, now }: AccessLogOptions): (context: RequestContext) => void {
  const head = `","level":"info","source":"${source}","pid":${pid},"message":"request","id":`;
  const isoTime = createIsoTime();
  return context => {
    const { req, res } = context;
    const ms = performance.now() - context.startedAt;
    let line = `{"time":"${isoTime(now())}${head}${JSON.stringify(context.id)},"method":"${req.method}","route":`;
    // Without a route the path is all there is to find the mistake by; its query may hold a secret and stays out.
    line += context.route === undefined ? `null,"path":${shortPath(req.url)}` : `"${context.route.path}"`;
    line += `,"status":${res.headersSent ? res.statusCode : 0},"ms":${ms.toFixed(2)}`;
    line += `,"address":"${context.address}","outcome":"${context.outcome}"`;
    if (context.principal?.kind === 'key') line += `,"key":"${context.principal.id}"`;
    if (context.upstream !== undefined) line += `,"upstream":"${context.upstream}"`;
    if (context.marks !== undefined) line += cacheText(context.marks);
    if (context.model !== undefined) line += `,"model":${JSON.stringify(context.model.slice(0, 200))}`;
    line += numbersOf(context);
    if (context.bytesOut > 0) line += `,"bytes_out":${context.bytesOut}`;
    if (context.body.length > 0) line += `,"bytes_in":${context.body.length}`;
    if (context.body.length > largeBodyBytes) line += `,"rss_mb":${Math.round(process.memoryUsage.rss() / 1048576)}`;
    if (context.heldBytes > heavyBytes) line += `,"held_bytes":${context.heldBytes}`;
    write(`${line}}\n`);
  };
}

/** Of requests that use a model. */
function numbersOf({ queueMs, promptTokens, outputTokens }: RequestContext): string {
  let part = queueMs === undefined ? '' : `,"queue_ms":${queueMs}`;
  if (promptTokens !== undefined) part += `,"prompt_tokens":${promptTokens}`;
  if (outputTokens !== undefined) part += `,"output_tokens":${outputTokens}`;
  return part;
}

/** What was passed by has no key worth looking for. */
function cacheText({ cache, degraded, cacheKey, model, adjusted = [] }: RequestMarks): string {
  const key = cacheKey === undefined || cache === 'bypass' ? '' : `,"cache_key":"${cacheKey}"`;
  let part = `,"cache":"${cache}"${key}${degraded === undefined ? '' : `,"degraded":"${degraded}"`}`;
  if (model !== undefined) part += `,"answered_by":${JSON.stringify(model.slice(0, 200))}`;
  if (adjusted.length > 0) part += `,"adjusted":${JSON.stringify(adjusted.join(', ').slice(0, 500))}`;
  return part;
}

function shortPath(url: string): string {
  return JSON.stringify(url.split('?', 1)[0]?.slice(0, 200) ?? '');
}

/** toISOString costs more than the rest of the line; its seconds are the same for a thousand requests. */
function createIsoTime(): (ms: number) => string {
  let lastSecond = 0;
  let text = '';
  return ms => {
    const second = Math.floor(ms / 1000);
    if (second !== lastSecond) {
      lastSecond = second;
      text = new Date(second * 1000).toISOString().slice(0, 20);
    }
    return `${text}${String(ms - second * 1000).padStart(3, '0')}Z`;
  };
}
