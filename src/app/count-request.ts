/** One request, as its metrics: what was asked, how it ended, who was refused. */

import type { RequestContext, RequestMarks } from '../http/request-context.ts';
import { errorCatalogue } from '../kernel/error-catalogue.ts';
import type { Events } from '../telemetry/events.ts';

/** Of what never was a request of any route. */
export const noRoute = 'none';

export function countRequest(context: RequestContext, events: Events): void {
  const { req, res, route, outcome, streamPhase } = context;
  const status = res.headersSent ? res.statusCode : 0;
  const seconds = (performance.now() - context.startedAt) / 1000;
  events.httpRequest({ route: route?.path ?? noRoute, method: req.method, status, seconds });
  if (status === 401 || status === 403) countRefusal(outcome, events);
  if (context.marks !== undefined) countMarks(context.marks, events);
  if (streamPhase === undefined) return;
  events.streamClosed({ phase: outcome === 'complete' ? 'complete' : streamPhase });
}

function countMarks({ degraded, adjusted = [] }: RequestMarks, events: Events): void {
  if (degraded !== undefined) events.degraded({ reason: degraded });
  if (adjusted.length > 0) events.adjusted();
}

/** Refusals of ours; what a model server refuses is not about who asked us. */
function countRefusal(outcome: string, events: Events): void {
  const isOurs = Object.hasOwn(errorCatalogue, outcome) && outcome !== 'upstream_refused';
  if (isOurs) events.authRefused({ code: outcome });
}
