/** Which models answer for a name, in order: itself, then its fallbacks, each with its own behind it. Pure. */
import { modelKey } from './model-key.ts';
import type { VirtualModel } from './virtual-model.ts';

export interface ChainStep {
  /** What the hosts are asked for. */
  readonly model: string;
  readonly virtual: VirtualModel | undefined;
}

export type FindVirtual = (name: string) => VirtualModel | undefined;

/** A request that asks this many models in vain has waited long enough. */
export const maxSteps = 8;

/** @returns at least one step, at most `maxSteps`; none twice */
export function chainOf(name: string, find: FindVirtual): readonly ChainStep[] {
  if (find(name) === undefined) return [{ model: name, virtual: undefined }];
  const steps: ChainStep[] = [];
  const seen = new Set<string>();
  const visit = (wanted: string): void => {
    if (steps.length >= maxSteps || seen.has(modelKey(wanted))) return;
    seen.add(modelKey(wanted));
    const virtual = find(wanted);
    steps.push({ model: virtual?.base ?? wanted, virtual });
    for (const fallback of virtual?.fallbacks ?? []) visit(fallback);
  };
  visit(name);
  return steps;
}

/**
 * What is wrong with the names in a virtual model that is to be written.
 * @param find the others, as they are
 */
export function chainComplaint(model: VirtualModel, find: FindVirtual): string | undefined {
  const own = modelKey(model.name);
  const base = find(model.base);
  if (modelKey(model.base) !== own && base !== undefined && modelKey(base.base) !== modelKey(base.name)) {
    return `base ${JSON.stringify(model.base)} is a virtual model: name the model that it stands for, ${JSON.stringify(base.base)}`;
  }
  const findWith: FindVirtual = name => (modelKey(name) === own ? model : find(name));
  const loop = model.fallbacks.find(fallback => leadsTo(fallback, own, findWith));
  if (loop !== undefined) return `fallbacks ${JSON.stringify(loop)} leads back to ${JSON.stringify(model.name)}`;
  const count = reachable(model.fallbacks, findWith).size + 1;
  return count > maxSteps ? `fallbacks lead to ${count} models, at most ${maxSteps} are asked` : undefined;
}

function leadsTo(from: string, own: string, find: FindVirtual): boolean {
  return reachable([from], find).has(own);
}

/** Each name is followed once, so that this ends whatever stands in the store. */
function reachable(from: readonly string[], find: FindVirtual): ReadonlySet<string> {
  const seen = new Set<string>();
  const open = [...from];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (seen.has(modelKey(name))) continue;
    seen.add(modelKey(name));
    open.push(...(find(name)?.fallbacks ?? []));
  }
  return seen;
}
