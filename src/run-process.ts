/** What every process of ours does: configuration, last words, signals, exit codes. The entries say only what runs in it. */
import cluster from 'node:cluster';
import { appendFileSync, writeSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { type Config, ConfigError } from './config/config.ts';
import { compileCacheDir, crashReportDir } from './config/ecosystem.ts';
import { checkout, loadConfig, readErrorLog, readVersion } from './config/environment.ts';
import type { CrashKind } from './crash/crash-report.ts';
import { CrashReporter, type EndSurroundings } from './crash/crash-reporter.ts';

const exitFailed = 1;
const exitConfig = 78;
const flushMs = 1000;
/** For what a process that crashed can still tell its clients. */
const farewellMs = 1000;

export interface Runnable {
  start(): Promise<void>;
  /** Idempotent. */
  stop(reason: string): Promise<void>;
  /** For a report of how it died. */
  describeEnd(): EndSurroundings;
  /** Ends in protocol what it answers: the process dies in a moment, whatever becomes of that. */
  abandon(): Promise<void>;
}

export interface ProcessKind {
  /** What it is called in its last words. */
  readonly noun: string;
  /** What logs and reports call it. */
  readonly source: string;
}

export interface Surroundings {
  /** One line on stdout, where `pm2 logs` shows it. */
  readonly print: (line: string) => void;
  /** Ends the process as a signal would. */
  readonly leave: (reason: string) => void;
}

export async function runProcess(
  { noun, source }: ProcessKind,
  create: (config: Config, surroundings: Surroundings) => Promise<Runnable>,
): Promise<void> {
  if (process.argv[2] === '--version') {
    process.stdout.write(`${readVersion(checkout)}\n`);
    return;
  }
  // Sockets, logs and keys are for the user who runs this alone, whoever started it.
  process.umask(0o077);
  // Set before anything can fail: PM2 would keep a process that failed to start "online", doing nothing.
  const crash = new Crash();
  process.on('uncaughtException', error => crash.end('uncaught_exception', error));
  process.on('unhandledRejection', (reason, promise) => crash.end('unhandled_rejection', reason, promise));

  const config = configOrDie();
  // Started by hand; PM2's processes have it from their first file on.
  enableCompileCache(compileCacheDir(config.places.runDir));
  const { bootMs } = config.timeouts;
  const watchdog = setTimeout(() => die(`the ${noun} was not ready within ${bootMs} ms`, exitFailed), bootMs);
  const state: { runnable?: Runnable; leaving: boolean } = { leaving: false };
  crash.know({
    reporter: new CrashReporter({
      dir: crashReportDir(config),
      version: readVersion(checkout),
      source,
      env: process.env,
      surroundings: () => state.runnable?.describeEnd(),
    }),
    abandon: async () => state.runnable?.abandon(),
  });

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

interface CrashMeans {
  readonly reporter: CrashReporter;
  readonly abandon: () => Promise<void>;
}

/** How a process ends that must not go on: last words, a report, and as much of a farewell as there is time for. */
class Crash {
  #means: CrashMeans | undefined;
  #isEnding = false;

  know(means: CrashMeans): void {
    this.#means = means;
  }

  end(kind: CrashKind, thrown: unknown, promise?: Promise<unknown>): void {
    const words = `${kind.replace('_', ' ')}: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`;
    if (this.#means === undefined || this.#isEnding) die(words, exitFailed);
    this.#isEnding = true;
    const { reporter, abandon } = this.#means;
    const report = reporter.report(kind, thrown);
    if (report !== undefined && promise !== undefined) {
      process.on('rejectionHandled', late => {
        if (late === promise) reporter.handledLate(report);
      });
    }
    sayLastWords(report === undefined ? words : `${words}\nreport: ${report}`);
    setTimeout(() => process.exit(exitFailed), farewellMs);
    abandon().then(
      () => exitWhenWritten(exitFailed),
      () => process.exit(exitFailed),
    );
  }
}

function die(message: string, code: number): never {
  try {
    sayLastWords(message);
  } finally {
    // Also when the disk takes no last word: the code says what happened.
    process.exit(code);
  }
}

/** PM2's stream to the log is asynchronous; a last word before the exit must not depend on it. */
function sayLastWords(message: string): void {
  // Under PM2 this descriptor is the daemon's own log; `pm2 logs` shows the process's.
  writeSync(2, `${message}\n`);
  const errorLog = readErrorLog();
  try {
    if (errorLog !== undefined) appendFileSync(errorLog, `${message}\n`);
  } catch {
    // A disk that takes nothing does not keep the process from its end.
  }
}

/** The last lines are still on their way to PM2's file, but a file that takes nothing must not keep the process. */
function exitWhenWritten(code: number): void {
  process.stdout.write('', () => process.exit(code));
  setTimeout(() => process.exit(code), flushMs);
}
