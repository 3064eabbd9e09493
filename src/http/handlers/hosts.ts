/** The Ollama hosts: the state of each, what it has and has loaded, its slots; and keeping one free of new requests. */
import { DeciError } from '../../kernel/errors.ts';
import { sendJson } from '../respond.ts';
import type { Handler } from '../route-table.ts';

export interface HostModel {
  readonly name: string;
  readonly digest: string;
  readonly loaded: boolean;
}

export interface HostView {
  readonly name: string;
  readonly state: { readonly is: string; readonly reason?: string; readonly models?: readonly string[] };
  readonly version: string | undefined;
  readonly draining: boolean;
  readonly weight: number;
  readonly slots: { readonly in_use: number | null; readonly max: number };
  readonly models: readonly HostModel[];
}

export interface HostsDeps {
  list(): readonly HostView[];
  /** Durable, and known to this worker, when it resolves; the others follow within a second. */
  setDraining(name: string, draining: boolean, by: string): Promise<void>;
}

export function listHosts(deps: HostsDeps): Handler {
  return context => {
    const views = deps.list();
    sendJson(context, { data: views.map(view => tell(view, views)), next_cursor: null, has_more: false });
  };
}

export function drainHost(draining: boolean, deps: HostsDeps): Handler {
  return async context => {
    const name = context.params['name'] ?? '';
    const known = deps.list().map(host => host.name);
    if (!known.includes(name)) {
      const message = `there is no host ${JSON.stringify(name)}; there are: ${known.join(', ')}`;
      throw new DeciError('not_found', { message });
    }
    await deps.setDraining(name, draining, context.principal?.id ?? 'unknown');
    const views = deps.list();
    const view = views.find(host => host.name === name);
    if (view === undefined) throw new DeciError('not_found');
    sendJson(context, tell(view, views));
  };
}

function tell(view: HostView, all: readonly HostView[]): object {
  const { name, state, version, draining, weight, slots, models } = view;
  return {
    name,
    state: state.is,
    reason: state.reason ?? null,
    loading: state.models ?? [],
    version: version ?? null,
    draining,
    weight,
    slots,
    models: models.map(model => comparedWith(model, all)),
  };
}

/** Who else has a model of this name, and whether it is another one there. */
function comparedWith({ name, digest, loaded }: HostModel, all: readonly HostView[]): object {
  const others = all.flatMap(host => host.models.filter(model => model.name === name).map(model => ({ host, model })));
  return {
    name,
    digest,
    loaded,
    hosts: others.map(({ host }) => host.name),
    differs: others.some(({ model }) => model.digest !== digest),
  };
}
