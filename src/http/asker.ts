/** Who asks and how urgently, from the request's principal and its headers `X-Deci-Priority` and `X-Deci-Timeout`. */
import { type Priority, priorities } from '../admission/queue-order.ts';
import { duration } from '../config/value-types.ts';
import type { Asker } from '../gateway/asker.ts';
import { DeciError } from '../kernel/errors.ts';
import type { RequestContext } from './request-context.ts';

const timeouts = duration(1, 86_400_000);
/** Whatever the request waits for knows better how to say that its time is over. */
const graceMs = 50;

/**
 * @throws DeciError `invalid_request` for a header that cannot be understood
 */
export function askerOf(context: RequestContext): Asker {
  const { principal, req } = context;
  if (principal === undefined) throw new DeciError('internal', { message: 'nobody was asked who asks' });
  const timeoutMs = readTimeout(req.headers['x-deci-timeout']);
  // Whoever takes part in the answer of another has no time of his own there.
  if (timeoutMs !== undefined) context.endAfter(timeoutMs + graceMs);
  return {
    owner: principal.id,
    priority: priorityOf(context),
    timeoutMs,
    onLine: place => {
      context.line = place;
    },
  };
}

/** What the request allows for its own work; what is made for others as well has all the time that there is. */
export function ownTimeMs(context: RequestContext, asker: Asker, signal: AbortSignal): number | undefined {
  return signal === context.signal ? asker.timeoutMs : undefined;
}

/** @throws DeciError `invalid_request` for a header that cannot be understood */
export function priorityOf({ req, route }: RequestContext): Priority {
  const header = req.headers['x-deci-priority'];
  if (header === undefined) return route?.usually ?? 'interactive';
  const found = priorities.find(priority => priority === String(header).trim().toLowerCase());
  if (found === undefined) throw invalid('X-Deci-Priority', `one of ${priorities.join(', ')}`, header);
  return found;
}

function readTimeout(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  const text = String(header).trim();
  // Other gateways take bare seconds.
  const value = timeouts.parse(/^\d+(?:\.\d+)?$/.test(text) ? `${text}s` : text);
  if (value === undefined) throw invalid('X-Deci-Timeout', 'a duration such as 500ms, 30s or 5m, or seconds', header);
  return value;
}

function invalid(name: string, expected: string, header: string | string[]): DeciError {
  const got = JSON.stringify(String(header).slice(0, 80));
  return new DeciError('invalid_request', { message: `${name} must be ${expected}, not ${got}`, param: name });
}
