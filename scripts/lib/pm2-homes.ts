/** The PM2 homes in which processes of this installation live, or may live. */
import { resolve } from 'node:path';
import { usersPm2Home } from '../../src/config/load-ecosystem.ts';
import { readRunState } from '../../src/config/run-state.ts';
import { type Cluster, type Living, pm2At } from './cluster.ts';
import type { Pm2Process } from './pm2-cli.ts';

/** A daemon that is not ours may hang, and nothing of ours may be in it. */
const guessMs = 10_000;

export interface UsedHome {
  readonly home: string;
  readonly processes: readonly Pm2Process[];
}

/** The homes, other than ours, under which workers or control live. */
export function foreignHomes({ config, pm2 }: Cluster, { workers, control }: Living): string[] {
  const stated = readRunState(config.places.runDir)?.pm2_home;
  const living = [...workers.map(({ worker }) => worker), ...(control === undefined ? [] : [control])];
  const homes = living.map(({ pm2Home }) => resolve(pm2Home ?? stated ?? pm2.home));
  return [...new Set(homes)].filter(home => home !== resolve(pm2.home));
}

/**
 * Every home that has processes of ours on its list: those under which something lives, then our own, then the user's, where
 * a cluster may be whose processes die as soon as they are started.
 */
export async function usedHomes(cluster: Cluster, living: Living): Promise<UsedHome[]> {
  const known = [...foreignHomes(cluster, living), resolve(cluster.pm2.home)];
  const guessed = [usersPm2Home(process.env)].filter(home => !known.includes(home));
  const used: UsedHome[] = [];
  for (const home of known) used.push({ home, processes: await pm2At(home).list(cluster.output) });
  for (const home of guessed) used.push({ home, processes: await guess(home, cluster) });
  return used.filter(({ processes }) => processes.length > 0);
}

async function guess(home: string, { output }: Cluster): Promise<Pm2Process[]> {
  try {
    return await pm2At(home).list(output, AbortSignal.timeout(guessMs));
  } catch (error) {
    console.error(`Warning: the PM2 daemon in ${home} could not be asked: ${(error as Error).message}`);
    return [];
  }
}
