/** What must hold before anything is started; each failure is one sentence that says what to change. */
import { accessSync, chmodSync, constants, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { makePrivateFolders } from '../../src/config/load-ecosystem.ts';
import { exitCodes, ScriptFailure } from './exit-codes.ts';

/** Longest path of a UNIX socket, without the byte that ends it. */
const maxSocketPath = process.platform === 'linux' ? 107 : 103;

export function longestSocketFits(runDir: string): boolean {
  return Buffer.byteLength(join(runDir, 'green-4194304.sock')) <= maxSocketPath;
}

export function preparePlaces(config: Config): string {
  const { home, runDir, logDir } = config.places;
  if (!longestSocketFits(runDir)) {
    throw refuse(`RUN_DIR is too long for a socket (${runDir}): set RUN_DIR or DECI_HOME to a shorter path.`);
  }
  try {
    makePrivateFolders(config);
    for (const dir of [join(runDir, 'pm2'), logDir]) mkdirSync(dir, { recursive: true, mode: 0o700 });
    chmodSync(join(runDir, 'pm2'), 0o700);
    accessSync(runDir, constants.W_OK);
  } catch (error) {
    throw refuse(`A folder cannot be used: ${(error as Error).message}.`);
  }
  return home;
}

export interface PortProblem {
  readonly code: string | undefined;
  readonly detail: string;
  readonly fix: string;
}

/** Whether the address can be bound. Nobody else may take it between this and the start: then the start fails. */
export async function checkPort({ host, port }: Pick<Config, 'host' | 'port'>): Promise<string> {
  if (port === 'auto') return 'any free one';
  const problem = await findPortProblem(host, port);
  if (problem !== undefined) throw refuse(`${problem.detail}: ${problem.fix}.`);
  return String(port);
}

export async function findPortProblem(host: string, port: number): Promise<PortProblem | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const server = createServer();
  server.once('error', reject).listen({ host, port, exclusive: true }, resolve);
  try {
    await promise;
  } catch (error) {
    return portProblem(error as NodeJS.ErrnoException, host, port);
  }
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  await closed.promise;
  return undefined;
}

function portProblem({ code, message }: NodeJS.ErrnoException, host: string, port: number): PortProblem {
  const elsewhere = [`HOST ${host} is not an address of this machine`, 'set HOST to one that is'] as const;
  const known: Readonly<Record<string, readonly [string, string]>> = {
    EADDRINUSE: [
      `Port ${port} on ${host} is taken by another program`,
      'stop it, or set PORT to another one (PORT=auto takes a free one)',
    ],
    EACCES: [`Port ${port} needs more rights than this user has`, 'set PORT to one above 1023'],
    EADDRNOTAVAIL: elsewhere,
    ENOTFOUND: elsewhere,
  };
  const [detail, fix] = known[code ?? ''] ?? [
    `Port ${port} on ${host} cannot be used (${message})`,
    'check HOST and PORT',
  ];
  return { code, detail, fix };
}

function refuse(message: string): ScriptFailure {
  return new ScriptFailure(exitCodes.preflight, message);
}
