/** What the hosts have, told as one server: version, tags, ps. Each host is asked through the npm client. */
import { DeciError } from '../../kernel/errors.ts';
import { isObject } from '../../kernel/json.ts';
import type { RequestContext } from '../request-context.ts';
import { sendJson } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import { type VirtualListDeps, withVirtualRows } from './virtual-lists.ts';

/** A row of a list; more members than these are passed on as they are. */
interface ListedModel {
  readonly name: string;
  readonly modified_at: unknown;
  readonly expires_at: unknown;
}

/** Ollama writes null for a list without rows. */
interface ModelList {
  readonly models: readonly ListedModel[] | null;
}

/** What these handlers need of a host. */
export interface ListedHost {
  readonly name: string;
  readonly client: {
    list(): Promise<ModelList>;
    ps(): Promise<ModelList>;
  };
  readonly state: {
    readonly is: 'unknown' | 'up' | 'down' | 'silent';
    readonly version?: string;
    readonly reason?: string;
  };
}

export interface ListDeps {
  readonly hosts: readonly ListedHost[];
}

/** Clients gate features on the version, so the oldest host's is the one that holds for all. */
export function version({ hosts }: ListDeps): Handler {
  return context => {
    const lowest = hosts
      .map(host => host.state.version)
      .filter(value => value !== undefined)
      .reduce<string | undefined>((low, value) => (low === undefined || isLower(value, low) ? value : low), undefined);
    if (lowest === undefined) throw unreachable(hosts);
    sendJson(context, { version: lowest });
  };
}

export interface NamedListDeps extends ListDeps {
  readonly virtual: Pick<VirtualListDeps, 'list'>;
}

export function tags({ hosts, virtual }: NamedListDeps): Handler {
  return async context => {
    const models = withVirtualRows(await mergedTags(hosts, context), virtual);
    sendJson(context, { models });
  };
}

export function ps(deps: ListDeps): Handler {
  return async context => {
    const lists = await askAll(deps.hosts, async host => rowsOf(await host.client.ps()), context);
    const models = lists.flat().toSorted((a, b) => String(b.expires_at).localeCompare(String(a.expires_at)));
    sendJson(context, { models });
  };
}

/** One row a name; the first host in the order of the configuration wins. */
export async function mergedTags(hosts: readonly ListedHost[], context: RequestContext) {
  const lists = await askAll(hosts, async host => rowsOf(await host.client.list()), context);
  const byName = new Map<string, ListedModel>();
  for (const model of lists.flat()) if (!byName.has(model.name)) byName.set(model.name, model);
  return [...byName.values()];
}

/** The rows that have a name; a host that lists something else is no reason to fail for all. */
function rowsOf(list: unknown): ListedModel[] {
  const rows: unknown = isObject(list) ? list['models'] : undefined;
  return Array.isArray(rows) ? rows.filter(isListedModel) : [];
}

function isListedModel(row: unknown): row is ListedModel {
  return isObject(row) && typeof row['name'] === 'string';
}

/** The answers of all hosts that gave one. @throws DeciError `upstream_unreachable` when none did */
async function askAll<T>(
  hosts: readonly ListedHost[],
  ask: (host: ListedHost) => Promise<T>,
  context: RequestContext,
): Promise<T[]> {
  const settled = await Promise.allSettled(hosts.map(ask));
  context.throwIfAborted();
  const answers = settled.filter(result => result.status === 'fulfilled').map(result => result.value);
  if (answers.length === 0) throw unreachable(hosts);
  return answers;
}

export function unreachable(hosts: ReadonlyArray<{ readonly name: string }>): DeciError {
  const names = hosts.map(host => host.name).join(', ');
  return new DeciError('upstream_unreachable', { message: `no Ollama server can be reached (tried ${names})` });
}

function isLower(a: string, b: string): boolean {
  return a.localeCompare(b, 'en', { numeric: true }) < 0;
}
