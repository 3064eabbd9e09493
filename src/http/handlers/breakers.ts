/** The breakers of hosts and of models on them: which are open, why, and the way to close one by hand. */
import { DeciError } from '../../kernel/errors.ts';
import { modelKey } from '../../ollama/model-key.ts';
import type { BreakerView } from '../../resilience/breaker-board.ts';
import { sendJson } from '../respond.ts';
import type { Handler } from '../route-table.ts';

export interface BreakersDeps {
  readonly breakers: {
    /** Takes over what other workers saw. */
    sync(): void;
    list(): BreakerView[];
    /** False when there is none of that name. */
    reset(name: string): boolean;
  };
}

export function listBreakers({ breakers }: BreakersDeps): Handler {
  return context => {
    breakers.sync();
    sendJson(context, { data: breakers.list().map(tell), next_cursor: null, has_more: false });
  };
}

/** One breaker, or, by the name of a host alone, that of the host and those of its models; `all` are all. */
export function resetBreaker({ breakers }: BreakersDeps): Handler {
  return context => {
    const name = wholeName(context.params['name'] ?? '');
    breakers.sync();
    const meant = breakers.list().filter(view => name === 'all' || view.name === name || view.host === name);
    if (meant.length === 0) {
      throw new DeciError('not_found', { message: `there is no breaker ${JSON.stringify(name)}` });
    }
    for (const view of meant) breakers.reset(view.name);
    const names = new Set(meant.map(view => view.name));
    const data = breakers.list().filter(view => names.has(view.name));
    sendJson(context, { data: data.map(tell), next_cursor: null, has_more: false });
  };
}

/** As breakers have it: of what Ollama takes to be the same model there is one. */
function wholeName(name: string): string {
  const [host = name, model] = name.split(' ', 2);
  return model === undefined || model === '' ? host : `${host} ${modelKey(model)}`;
}

function tell({ name, host, model, state }: BreakerView): object {
  const { is, sinceMs, opens } = state;
  return {
    name,
    upstream: host,
    model: model ?? null,
    state: is,
    since: Number.isFinite(sinceMs) ? new Date(sinceMs).toISOString() : null,
    opens,
    cause: state.is === 'closed' ? null : state.cause,
    retry_at: state.is === 'closed' ? null : new Date(state.untilMs).toISOString(),
  };
}
