/** Whether the port is free for us, or ours already. */
import type { Config } from '../../../src/config/config.ts';
import { findPortProblem, type PortProblem } from '../preflight.ts';
import { type Finding, fail, ok } from './finding.ts';
import { findPortHolder, type PortHolder } from './port-holder.ts';

export interface OwnProcesses {
  /** Ports on which workers of this run folder say that they serve. */
  readonly ports: readonly number[];
  readonly daemonPid: number | undefined;
}

export async function lookAtPort({ host, port }: Pick<Config, 'host' | 'port'>, own: OwnProcesses): Promise<Finding> {
  if (port === 'auto') return ok('any free one (PORT=auto)');
  if (own.ports.includes(port)) return ok(`${port} on ${host}, held by our own cluster`);
  const problem = await findPortProblem(host, port);
  if (problem === undefined) return ok(`${port} on ${host} is free`);
  return judgePort(problem, problem.code === 'EADDRINUSE' ? findPortHolder(port) : undefined, own);
}

export function judgePort({ detail, fix }: PortProblem, holder: PortHolder | undefined, own: OwnProcesses): Finding {
  const told = holder === undefined ? '' : ` (pid ${holder.pid}, ${holder.name})`;
  if (holder !== undefined && holder.pid === own.daemonPid) return ok(`held by our own PM2${told}`);
  return fail(`${detail}${told}`, `${fix.charAt(0).toUpperCase()}${fix.slice(1)}.`);
}
