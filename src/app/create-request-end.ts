/** What is told of a request when it is over: the access log, the metrics, and the cause of what nobody foresaw. */
import { createAccessLog } from '../http/access-log.ts';
import type { RequestContext } from '../http/request-context.ts';
import type { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/logger.ts';
import { countRequest } from './count-request.ts';

export interface RequestEndOptions {
  /** What the log calls this process. */
  readonly source: string;
  readonly log: Logger;
  readonly events: Events;
}

export function createRequestEnd({ source, log, events }: RequestEndOptions): (context: RequestContext) => void {
  const recordAccess = log.keeps('info')
    ? createAccessLog({ source, pid: process.pid, write: line => log.line(line), now: Date.now })
    : () => undefined;
  return context => {
    recordAccess(context);
    countRequest(context, events);
    if (context.unexpected === undefined) return;
    const { cause } = context.unexpected;
    const text = cause instanceof Error ? cause.stack : String(cause);
    log.error('unexpected failure of a request', { request_id: context.id, cause: text });
  };
}
