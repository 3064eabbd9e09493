/** What a worker is answering, for the report of its end: whose and how far, and nothing of what is asked and answered. */
import type { InFlight } from '../crash/crash-report.ts';
import type { ActiveRequests } from '../http/active-requests.ts';

export function inFlightOf(active: ActiveRequests): InFlight[] {
  return Array.from(active, ({ id, route, model, startedAt, streamPhase, res }) => ({
    id,
    route: route?.path ?? null,
    model: model ?? null,
    age_ms: Math.round(performance.now() - startedAt),
    phase: streamPhase ?? (res.headersSent ? 'answering' : 'waiting'),
  }));
}
