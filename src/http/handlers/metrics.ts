/** The metrics of the whole cluster, from whichever worker is asked. */
import { sendBody } from '../respond.ts';
import type { Handler } from '../route-table.ts';

export interface MetricsDeps {
  /** Prometheus' text format, in a moment. */
  readonly render: () => Promise<string>;
  readonly contentType: string;
}

export function metrics({ render, contentType }: MetricsDeps): Handler {
  return async context => sendBody(context, 200, contentType, await render());
}
