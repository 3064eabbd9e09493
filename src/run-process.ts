/** What every process of ours does: configuration, last words, signals, exit codes. The entries say only what runs in it. */
import cluster from 'node:cluster';
import { appendFileSync, writeSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { type Config, ConfigError } from './config/config.ts';
import { compileCacheDir } from './config/ecosystem.ts';
import { checkout, loadConfig, readErrorLog, readVersion } from './config/environment.ts';

const exitFailed = 1;
const exitConfig = 78;
const flushMs = 1000;

export interface Runnable {
  start(): Promise<void>;
  /** Idempotent. */
  stop(reason: string): Promise<void>;
}

export interface Surroundings {
  /** One line on stdout, where `pm2 logs` shows it. */
  readonly print: (line: string) => void;
  /** Ends the process as a signal would. */
  readonly leave: (reason: string) => void;
}

/** @param noun what the process is called in its last words */
export async function runProcess(
  noun: string,
  create: (config: Config, surroundings: Surroundings) => Promise<Runnable>,
): Promise<void> {
  if (process.argv[2] === '--version') {
    process.stdout.write(`${readVersion(checkout)}\n`);
    return;
  }
  // Sockets, logs and keys are for the user who runs this alone, whoever started it.
  process.umask(0o077);
  // Set before anything can fail: PM2 would keep a process that failed to start "online", doing nothing.
  process.on('uncaughtException', error => die(`uncaught exception: ${error.stack ?? error.message}`, exitFailed));
  process.on('unhandledRejection', reason => {
    die(`unhandled rejection: ${reason instanceof Error ? reason.stack : String(reason)}`, exitFailed);
  });

  const config = configOrDie();
  // Started by hand; PM2's processes have it from their first file on.
  enableCompileCache(compileCacheDir(config.places.runDir));
  const { bootMs } = config.timeouts;
  const watchdog = setTimeout(() => die(`the ${noun} was not ready within ${bootMs} ms`, exitFailed), bootMs);
  const state: { runnable?: Runnable; leaving: boolean } = { leaving: false };

  function leave(reason: string): void {
    if (state.leaving) return;
    state.leaving = true;
    const stopped = state.runnable?.stop(reason) ?? Promise.resolve();
    stopped.then(
      () => exitWhenWritten(0),
      error => die(`could not stop cleanly: ${String(error)}`, exitFailed),
    );
  }

  listenForEnd(leave);
  try {
    state.runnable = await create(config, { print: line => process.stdout.write(`${line}\n`), leave });
    await state.runnable.start();
  } catch (error) {
    die(`the ${noun} could not start: ${error instanceof Error ? error.message : String(error)}`, exitFailed);
  }
  clearTimeout(watchdog);
  if (!state.leaving) process.send?.('ready');
}

function listenForEnd(leave: (reason: string) => void): void {
  let signalled = false;
  const onSignal = (name: string): void => {
    // Sent twice, somebody is in a hurry. Orders and the end of the daemon are no signals: they may come twice, too.
    if (signalled) die(`asked to leave again (${name}), leaving at once`, exitFailed);
    signalled = true;
    leave(name);
  };
  process.on('SIGINT', () => onSignal('SIGINT'));
  process.on('SIGTERM', () => onSignal('SIGTERM'));
  process.on('message', message => {
    if (message === 'shutdown') onSignal('shutdown message');
  });
  cluster.worker?.on('disconnect', () => {
    // Without this Node ends a cluster worker at once when its primary, PM2's daemon, is gone, and cuts its streams.
    if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
  });
  process.on('disconnect', () => leave('lost the PM2 daemon'));
}

function configOrDie(): Config {
  try {
    return loadConfig();
  } catch (error) {
    return die(error instanceof ConfigError ? error.message : String(error), exitConfig);
  }
}

/** PM2's stream to the log is asynchronous; a last word before the exit must not depend on it. */
function die(message: string, code: number): never {
  // Under PM2 this descriptor is the daemon's own log; `pm2 logs` shows the process's.
  writeSync(2, `${message}\n`);
  const errorLog = readErrorLog();
  try {
    if (errorLog !== undefined) appendFileSync(errorLog, `${message}\n`);
  } finally {
    // Also when the disk takes no last word: the code says what happened.
    process.exit(code);
  }
}

/** The last lines are still on their way to PM2's file, but a file that takes nothing must not keep the process. */
function exitWhenWritten(code: number): void {
  process.stdout.write('', () => process.exit(code));
  setTimeout(() => process.exit(code), flushMs);
}
