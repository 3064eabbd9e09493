/** Virtual models among those of the hosts: in lists, and when somebody asks what a model is. */
import { isObject, parseObject } from '../../kernel/json.ts';
import { modelKey } from '../../ollama/model-key.ts';
import type { VirtualModel } from '../../ollama/virtual-model.ts';
import { withCanonicalKeys } from '../json-body.ts';
import type { Handler } from '../route-table.ts';

export interface VirtualListDeps {
  find(name: string): VirtualModel | undefined;
  list(): readonly VirtualModel[];
}

interface Row {
  readonly name: string;
}

/**
 * The rows, with one for each virtual model that some host could answer: that of the model behind it, under the other name. It
 * takes the place of a real one of the same name, as it does when it is asked for.
 */
export function withVirtualRows<R extends Row>(rows: readonly R[], virtual: Pick<VirtualListDeps, 'list'>): R[] {
  const models = virtual.list();
  if (models.length === 0) return [...rows];
  const byKey = new Map(rows.map(row => [modelKey(row.name), row]));
  const named = models.flatMap(({ name, base, fallbacks }) => {
    const behind = [base, ...fallbacks].map(model => byKey.get(modelKey(model))).find(row => row !== undefined);
    return behind === undefined ? [] : [{ ...behind, name, model: name }];
  });
  const taken = new Set(named.map(row => modelKey(row.name)));
  return [...rows.filter(row => !taken.has(modelKey(row.name))), ...named];
}

/** `/api/show` of the model behind the name. */
export function showing(models: Pick<VirtualListDeps, 'find'>, relay: Handler): Handler {
  return context => {
    const given = parseObject(context.body.toString());
    const request = given === undefined ? {} : withCanonicalKeys(given, new Set(['model', 'name']));
    // `name` is what clients said before there was `model`.
    const asked = [request['model'], request['name']].find(name => typeof name === 'string' && name !== '');
    const virtual = typeof asked === 'string' ? models.find(asked) : undefined;
    if (virtual !== undefined && isObject(given)) {
      const { name: _name, ...rest } = request;
      context.body = Buffer.from(JSON.stringify({ ...rest, model: virtual.base }));
      context.headers.push('X-Deci-Model', virtual.base);
    }
    return relay(context);
  };
}
