/** Which port the cluster is to serve on: the one that is set or, where that is taken and it was asked for, the next free one. */
import type { Config } from '../../src/config/config.ts';
import { isOwnAddress } from '../../src/config/own-address.ts';
import type { TakenPort } from '../../src/config/run-state.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { findPortHolder, type PortHolder } from './doctor/port-holder.ts';
import { exitCodes, ScriptFailure } from './exit-codes.ts';
import { findPortProblem } from './preflight.ts';

export interface ChosenPort {
  readonly port: number;
  /** The one that was set; absent where that one is used. */
  readonly insteadOf?: TakenPort;
  /** None was set: it stays the same for as long as the cluster runs, also when all workers die at once. */
  readonly isAny?: boolean;
}

/** Somebody who serves on a hundred ports in a row has another plan. */
const maxTries = 100;
const lastPort = 65_535;

/**
 * Nobody else may take the port between this and the start: then the start fails.
 * @param orNext whether the next free port may be taken instead
 * @throws ScriptFailure that names who has the port, as far as this user may see it
 */
export async function choosePort(
  { host, port, upstreams }: Pick<Config, 'host' | 'port' | 'upstreams'>,
  orNext: boolean,
): Promise<ChosenPort> {
  if (port === 'auto') return { port: await anyFree(host), isAny: true };
  const problem = await findPortProblem(host, port);
  if (problem === undefined) return { port };
  const holder = problem.code === 'EADDRINUSE' ? findPortHolder(port) : undefined;
  if (problem.code === 'EADDRINUSE' && orNext) {
    const isUpstream = (next: number): boolean => upstreams.some(({ url }) => isOwnAddress(url, host, next));
    const next = await nextFree(host, port, isUpstream);
    if (next !== undefined) return { port: next, insteadOf: { port, holder: wordsOf(holder) } };
  }
  const told = holder === undefined ? '' : ` (${wordsOf(holder)})`;
  const also = problem.code === 'EADDRINUSE' && !orNext ? ', or add --port-fallback for the next free one' : '';
  throw new ScriptFailure(exitCodes.preflight, `${problem.detail}${told}: ${problem.fix}${also}.`);
}

/** What the workers are told that is not what is set. */
export function changedPort({ port, insteadOf, isAny = false }: ChosenPort): Record<string, string> {
  return insteadOf === undefined && !isAny ? {} : { PORT: String(port) };
}

export function describePort({ port, insteadOf, isAny = false }: ChosenPort): string {
  if (insteadOf !== undefined) return `${port} ${describeTaken(insteadOf)}`;
  return isAny ? `${port}, which is free` : String(port);
}

export function describeTaken({ port, holder }: TakenPort): string {
  return `instead of ${port}, which was taken by ${holder ?? 'another program'}`;
}

/** Whoever reads the log of that day finds out why nothing was served where it was expected. */
export async function logTaken({ places, logLevel }: Config, { port, insteadOf }: ChosenPort): Promise<void> {
  if (insteadOf === undefined) return;
  const log = createLogger({
    dir: places.logDir,
    fallbackDir: places.logDirFallback,
    level: logLevel,
    source: 'deci-start',
    now: () => new Date(),
    print: () => undefined,
  });
  log.warn('the port is taken, and the next free one is used', {
    port,
    instead_of: insteadOf.port,
    holder: insteadOf.holder,
  });
  await log.close();
}

/** Below those that the kernel gives to connections, which could take it between this and the start. */
const [firstAny, lastAny] = [20_000, 32_000];

/** @throws ScriptFailure when the address cannot be listened on */
async function anyFree(host: string): Promise<number> {
  for (let tries = 0; ; tries++) {
    const port = firstAny + Math.floor(Math.random() * (lastAny - firstAny));
    const problem = await findPortProblem(host, port);
    if (problem === undefined) return port;
    if (problem.code !== 'EADDRINUSE' || tries === maxTries) {
      throw new ScriptFailure(exitCodes.preflight, `${problem.detail}: ${problem.fix}.`);
    }
  }
}

/** @param isLeftOut a port on which a model server is expected: it may be down for the moment */
async function nextFree(host: string, port: number, isLeftOut: (port: number) => boolean): Promise<number | undefined> {
  const last = Math.min(lastPort, port + maxTries);
  for (let next = port + 1; next <= last; next++) {
    if (isLeftOut(next)) continue;
    if ((await findPortProblem(host, next)) === undefined) return next;
  }
  return undefined;
}

function wordsOf(holder: PortHolder): string;
function wordsOf(holder: PortHolder | undefined): string | null;
function wordsOf(holder: PortHolder | undefined): string | null {
  return holder === undefined ? null : `pid ${holder.pid}, ${holder.name}`;
}
