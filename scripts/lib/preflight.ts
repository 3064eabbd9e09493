/** What must hold before anything is started; each failure is one sentence that says what to change. */
import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { makePrivateFolders } from '../../src/config/load-ecosystem.ts';
import { makeFolder, makePrivateFolder } from '../../src/kernel/make-folder.ts';
import { lookAtKeyFile } from './doctor/key-file.ts';
import { exitCodes, ScriptFailure } from './exit-codes.ts';
import { isKernelPlace } from './kernel-place.ts';

/** Longest path of a UNIX socket, without the byte that ends it. */
const maxSocketPath = process.platform === 'linux' ? 107 : 103;

export function longestSocketFits(runDir: string): boolean {
  return Buffer.byteLength(join(runDir, 'green-4194304.sock')) <= maxSocketPath;
}

/** @returns what is worth telling */
export function preparePlaces(config: Config): string {
  const { home, dataDir, runDir, logDir, hotDir } = config.places;
  if (!longestSocketFits(runDir)) {
    throw refuse(`RUN_DIR is too long for a socket (${runDir}): set RUN_DIR or DECI_HOME to a shorter path.`);
  }
  useFolder('DATA_DIR', dataDir);
  useFolder('RUN_DIR', runDir);
  if (hotDir !== undefined && isKernelPlace(hotDir)) useFolder('HOT_DIR', hotDir);
  try {
    makePrivateFolders(config);
    makePrivateFolder(join(runDir, 'pm2'));
  } catch (error) {
    throw refuse(`A folder cannot be used: ${(error as Error).message}.`);
  }
  return canLogIn(logDir) ? home : `${home} (LOG_DIR cannot be written, logs go to its fallback)`;
}

function useFolder(setting: string, path: string): void {
  try {
    makeFolder(path);
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw refuse(`${setting}: ${path} cannot be used (${(error as Error).message}): set ${setting} to another folder.`);
  }
}

/** A server that cannot write its log still serves, and writes it where LOG_DIR_FALLBACK says. */
function canLogIn(path: string): boolean {
  try {
    makeFolder(path);
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    // A place that the kernel keeps: whoever logs there would try to make it for ever.
    if (isKernelPlace(path))
      throw refuse(`LOG_DIR: ${path} cannot be made (${(error as Error).message}): set LOG_DIR to another folder.`);
    return false;
  }
}

/**
 * A key file that no worker would take is told once, instead of by workers that die of it.
 * @returns a warning, for one that is used and that others could have read
 */
export function checkKeyFile(dataDir: string): string | undefined {
  const { status, detail, fix = '', isOpen } = lookAtKeyFile(join(dataDir, 'admin-key'));
  if (status === 'ok') return undefined;
  if (!isOpen) throw refuse(`The admin key cannot be used: ${detail}. ${fix}`);
  return `Warning: ${detail}. ${fix}`;
}

export interface PortProblem {
  readonly code: string | undefined;
  readonly detail: string;
  readonly fix: string;
}

/** Whether the address can be bound. */
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
