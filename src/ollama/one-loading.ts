/** Narrows the choice of hosts for a model that is loaded nowhere to the one that loads it. */
import type { HostFacts } from './choose-host.ts';

export interface ColdLoadsView {
  loadedAt(key: string): ReadonlySet<string>;
  hostFor(key: string, wished: string): string;
  begun(key: string, host: string): (isLoaded: boolean) => void;
}

/**
 * @param facts in the order in which the hosts are wanted
 * @param coldLoads undefined for whoever has seen the host that loads it fail
 */
export function withOneLoading<H extends { readonly name: string }>(
  facts: ReadonlyArray<HostFacts & { readonly host: H }>,
  coldLoads: ColdLoadsView | undefined,
  key: string,
): H[] {
  const hosts = facts.map(({ host }) => host);
  const [first] = hosts;
  if (coldLoads === undefined || first === undefined || facts.some(({ isLoaded }) => isLoaded)) return hosts;
  // Which host has it is not known: each may have to say that it does not.
  if (facts.some(({ has }) => has !== true) || facts.every(({ isFailing }) => isFailing)) return hosts;
  const loadedAt = coldLoads.loadedAt(key);
  if (hosts.some(({ name }) => loadedAt.has(name))) {
    return hosts.toSorted((a, b) => Number(loadedAt.has(b.name)) - Number(loadedAt.has(a.name)));
  }
  const loading = coldLoads.hostFor(key, first.name);
  const only = hosts.find(({ name }) => name === loading);
  return only === undefined ? hosts : [only];
}
