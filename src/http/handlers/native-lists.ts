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
  readonly digest?: unknown;
  /** Not Ollama's: only where hosts have something else under the same name. */
  readonly deci?: Difference;
}

interface Difference {
  readonly differs: true;
  /** By the name of the host. */
  readonly digests: Readonly<Record<string, string>>;
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
    const models = lists
      .flatMap(({ rows }) => rows)
      .toSorted((a, b) => String(b.expires_at).localeCompare(String(a.expires_at)));
    sendJson(context, { models });
  };
}

/** One row a name, marked where hosts differ; the first host in the order of the configuration wins. */
export async function mergedTags(hosts: readonly ListedHost[], context: RequestContext) {
  const lists = await askAll(hosts, async host => rowsOf(await host.client.list()), context);
  const byName = new Map<string, ListedModel>();
  const digests = new Map<string, Record<string, string>>();
  for (const { host, rows } of lists) {
    for (const model of rows) {
      if (!byName.has(model.name)) byName.set(model.name, model);
      const known = digests.get(model.name) ?? {};
      if (typeof model.digest === 'string') known[host] = model.digest;
      digests.set(model.name, known);
    }
  }
  return [...byName.values()].map(model => withDifference(model, digests.get(model.name) ?? {}));
}

function withDifference(model: ListedModel, digests: Readonly<Record<string, string>>): ListedModel {
  return new Set(Object.values(digests)).size < 2 ? model : { ...model, deci: { differs: true, digests } };
}

/** The rows that have a name; a host that lists something else is no reason to fail for all. */
function rowsOf(list: unknown): ListedModel[] {
  const rows: unknown = isObject(list) ? list['models'] : undefined;
  return Array.isArray(rows) ? rows.filter(isListedModel) : [];
}

function isListedModel(row: unknown): row is ListedModel {
  return isObject(row) && typeof row['name'] === 'string';
}

/** Whoever has not answered by then is left out, when another one has. */
const patienceMs = 1000;

interface HostRows {
  readonly host: string;
  readonly rows: readonly ListedModel[];
}

/**
 * The answers of the hosts that gave one, in their order. Those that are known to be gone or silent are not asked, unless there
 * is no other.
 * @throws DeciError `upstream_unreachable` when none did
 */
async function askAll(
  hosts: readonly ListedHost[],
  ask: (host: ListedHost) => Promise<readonly ListedModel[]>,
  context: RequestContext,
): Promise<HostRows[]> {
  const present = hosts.filter(({ state }) => state.is !== 'down' && state.is !== 'silent');
  const asked = (present.length === 0 ? hosts : present).map(async host => ({
    host: host.name,
    rows: await ask(host),
  }));
  const answers = await inTime(asked);
  context.throwIfAborted();
  if (answers.length === 0) throw unreachable(hosts);
  return answers;
}

/** What there is when all are settled; or after `patienceMs`, as soon as there is something. Never rejects. */
async function inTime<T>(asked: ReadonlyArray<Promise<T>>): Promise<T[]> {
  const answers = new Map<number, T>();
  const enough = Promise.withResolvers<void>();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    if (answers.size > 0) enough.resolve();
  }, patienceMs);
  const noted = asked.map(async (answer, index) => {
    answers.set(index, await answer);
    if (isLate) enough.resolve();
  });
  await Promise.race([Promise.allSettled(noted), enough.promise]);
  clearTimeout(timer);
  return [...answers].toSorted(([a], [b]) => a - b).map(([, answer]) => answer);
}

export function unreachable(hosts: ReadonlyArray<{ readonly name: string }>): DeciError {
  const names = hosts.map(host => host.name).join(', ');
  return new DeciError('upstream_unreachable', { message: `no Ollama server can be reached (tried ${names})` });
}

function isLower(a: string, b: string): boolean {
  return a.localeCompare(b, 'en', { numeric: true }) < 0;
}
