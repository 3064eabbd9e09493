/** The virtual models, for those who look after them: list, read, make, write whole, delete. */
import { DeciError } from '../../kernel/errors.ts';
import { chainComplaint } from '../../ollama/fallback-chain.ts';
import { durationMs } from '../../ollama/keep-alive.ts';
import type { VirtualModel } from '../../ollama/virtual-model.ts';
import { parseJsonBody } from '../json-body.ts';
import type { RequestContext } from '../request-context.ts';
import { sendJson } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import { validateBody } from '../validate.ts';

export interface VirtualModelsDeps {
  readonly virtualModels: {
    find(name: string): VirtualModel | undefined;
    list(): readonly VirtualModel[];
    /** Takes over at once what another worker wrote. */
    refresh(): void;
    /** Durable, and known to this worker, when it resolves; the others follow within a second. */
    put(model: VirtualModel, by: string): Promise<void>;
    /** As `put`. False when there is one already, which stays. */
    add(model: VirtualModel, by: string): Promise<boolean>;
    remove(name: string): Promise<boolean>;
  };
  /** Names of the hosts there are. */
  readonly hostNames: readonly string[];
}

const maxModels = 1000;
/** As Ollama has them: parts with slashes between them, and a tag. */
const validName = /^[\w][\w.:/-]{0,199}$/;

export function listVirtualModels({ virtualModels }: VirtualModelsDeps): Handler {
  return context => {
    virtualModels.refresh();
    sendJson(context, { data: virtualModels.list(), next_cursor: null, has_more: false });
  };
}

export function showVirtualModel({ virtualModels }: VirtualModelsDeps): Handler {
  return context => {
    virtualModels.refresh();
    sendJson(context, found(virtualModels.find(nameOf(context)), nameOf(context)));
  };
}

export function createVirtualModel(deps: VirtualModelsDeps): Handler {
  return async context => {
    const model: VirtualModel = await validateBody('POST /api/admin/models', parseJsonBody(context.body));
    const { name } = model;
    const isNew = checkModel(deps, model) && (await deps.virtualModels.add(model, byWhom(context)));
    if (!isNew) {
      throw new DeciError('already_exists', { message: `there is a virtual model ${JSON.stringify(name)} already` });
    }
    context.headers.push('Location', `/api/admin/models/${name}`);
    sendJson(context, model, 201);
  };
}

export function putVirtualModel(deps: VirtualModelsDeps): Handler {
  return async context => {
    const name = nameOf(context);
    const body = await validateBody('PUT /api/admin/models/*name', parseJsonBody(context.body));
    const model: VirtualModel = { name, ...body };
    checkModel(deps, model);
    await deps.virtualModels.put(model, byWhom(context));
    sendJson(context, model);
  };
}

/** @returns whether it is new @throws DeciError `invalid_request` */
function checkModel({ virtualModels, hostNames }: VirtualModelsDeps, model: VirtualModel): boolean {
  virtualModels.refresh();
  const complaint = formComplaint(model, hostNames) ?? chainComplaint(model, other => virtualModels.find(other));
  if (complaint !== undefined) throw refusal(complaint);
  const isNew = virtualModels.find(model.name) === undefined;
  if (isNew && virtualModels.list().length >= maxModels) throw refusal(`there are ${maxModels} already`);
  return isNew;
}

function byWhom({ principal }: RequestContext): string {
  return principal?.id ?? 'unknown';
}

export function deleteVirtualModel({ virtualModels }: VirtualModelsDeps): Handler {
  return async context => {
    const name = nameOf(context);
    virtualModels.refresh();
    const model = found(virtualModels.find(name), name);
    await virtualModels.remove(name);
    sendJson(context, { name: model.name, deleted: true });
  };
}

function nameOf({ params }: RequestContext): string {
  return params['name'] ?? '';
}

function found(model: VirtualModel | undefined, name: string): VirtualModel {
  if (model !== undefined) return model;
  throw new DeciError('not_found', { message: `there is no virtual model ${JSON.stringify(name.slice(0, 200))}` });
}

function refusal(complaint: string): DeciError {
  const [param = ''] = complaint.split(' ', 1);
  return new DeciError('invalid_request', { message: complaint, param });
}

/** What a schema cannot tell. The first word is the member that is wrong. */
function formComplaint(model: VirtualModel, hostNames: readonly string[]): string | undefined {
  const { name, base, fallbacks, hosts, cache, keep_alive: keepAlive } = model;
  const words = 'must be the name of a model: letters, digits and _.:/- with at most 200 characters';
  if (!validName.test(name)) return `name ${words}`;
  if (!validName.test(base)) return `base ${words}`;
  if (fallbacks.some(fallback => !validName.test(fallback))) return `fallbacks ${words}`;
  const unknown = hosts.find(host => !hostNames.includes(host));
  if (unknown !== undefined) return `hosts ${JSON.stringify(unknown)} is not there; there are: ${hostNames.join(', ')}`;
  const ttlMs = cache.ttl === null ? undefined : durationMs(cache.ttl);
  if (cache.ttl !== null && !(ttlMs !== undefined && ttlMs > 0 && Number.isFinite(ttlMs))) {
    return 'cache.ttl must be a duration such as 30s, 10m or 12h';
  }
  if (keepAlive !== null && durationMs(keepAlive) === undefined) {
    return 'keep_alive must be a number of seconds, or a duration such as 10m; negative keeps the model loaded';
  }
  return undefined;
}
