/** Who waits for a slot, in all workers, in the order in which they will be served. */
import { sendJson } from '../respond.ts';
import type { Handler } from '../route-table.ts';

export interface QueueView {
  readonly id: string;
  readonly model: string;
  readonly owner: string;
  readonly priority: string;
  readonly sinceMs: number;
  /** Among those who wait for the same model. */
  readonly position: number;
  readonly expectedWaitMs: number | undefined;
}

export interface QueueDeps {
  readonly capacity: number;
  readonly list: () => readonly QueueView[];
  readonly now: () => number;
}

export function listQueue({ capacity, list, now }: QueueDeps): Handler {
  return context => {
    const nowMs = now();
    const data = list().map(({ id, model, owner, priority, sinceMs, position, expectedWaitMs }) => ({
      id,
      model,
      owner,
      priority,
      since: new Date(sinceMs).toISOString(),
      waited_ms: Math.max(0, nowMs - sinceMs),
      position,
      expected_wait_ms: expectedWaitMs ?? null,
    }));
    sendJson(context, { data, next_cursor: null, has_more: false, capacity });
  };
}
