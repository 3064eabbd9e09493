/** The words in which start and status tell what runs. */
import type { RestartWords, UpstreamState, WorkerState } from './worker-sockets.ts';

/** Every upstream once. Workers probe on their own: what one of them reached is reachable. */
export function upstreamsOf(workers: readonly WorkerState[]): UpstreamState[] {
  const rank = { up: 3, silent: 2, down: 1, unknown: 0 };
  const best = new Map<string, UpstreamState>();
  for (const upstream of workers.flatMap(worker => worker.upstreams)) {
    const known = best.get(upstream.url);
    if (known === undefined || rank[upstream.state.is] > rank[known.state.is]) best.set(upstream.url, upstream);
  }
  return [...best.values()];
}

export function describeUpstream({ url, state, draining, condition }: UpstreamState): string {
  const kept = draining === true ? ', drained' : isFailing(condition) ? `, ${condition.is}: ${condition.reason}` : '';
  if (state.is === 'up') return `${url}  Ollama ${state.version}, ${plural(state.models, 'model')}${kept}`;
  if (state.is === 'silent') return `${url}  wedged (${state.reason})`;
  return state.is === 'down' ? `${url}  not reachable (${state.reason})` : `${url}  not asked yet`;
}

export function describeRestart(way: RestartWords): string {
  return 'none' in way ? `a server that is gone is not restarted: ${way.none}` : `restarted by: ${way.command}`;
}

function isFailing(condition: UpstreamState['condition']): condition is NonNullable<UpstreamState['condition']> {
  return condition?.is === 'wedged' || condition?.is === 'quarantined';
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  const hours = Math.floor(seconds / 3600);
  return hours < 48 ? `${hours}h ${Math.floor((seconds % 3600) / 60)}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}
