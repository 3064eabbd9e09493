/** Who asks, as far as it decides when he gets a slot. */

import type { LinePlace } from '../admission/line-entry.ts';
import type { Caller, Priority } from '../admission/queue-order.ts';
import { isObject, type JsonObject } from '../kernel/json.ts';
import type { Urgency } from './urgency.ts';

export interface Asker {
  /** The id of a principal: shares are per owner. */
  readonly owner: string;
  readonly priority: Priority;
  /** For all of the request, where the client gives it less time than we do. */
  readonly timeoutMs?: number | undefined;
  /** Of an answer that others may want too; it counts before `priority`. */
  readonly urgency?: Urgency | undefined;
  /** Told while the request waits in line. */
  readonly onLine?: ((place: LinePlace) => void) | undefined;
}

const bytesPerToken = 4;
/** Of an answer whose length nobody limits. */
const usualAnswerTokens = 500;
const maxAnswerTokens = 100_000;

/** What a request will probably cost, in tokens: read from its length, and from the limit it sets itself. */
export function callerOf({ owner, priority, urgency }: Asker, body: Buffer | string, request?: JsonObject): Caller {
  const options = request?.['options'];
  const limit = isObject(options) ? options['num_predict'] : undefined;
  const answer = typeof limit === 'number' && limit > 0 ? Math.min(limit, maxAnswerTokens) : usualAnswerTokens;
  return { owner, priority: urgency?.priority ?? priority, tokens: Math.ceil(body.length / bytesPerToken) + answer };
}
