/** A worker: configuration, signals, exit code. Everything else can be embedded elsewhere. */
import cluster from 'node:cluster';
import { appendFileSync, writeSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { type Config, ConfigError, isLoopback } from './config/config.ts';
import { checkout, loadConfig, readColour, readErrorLog, readVersion } from './config/environment.ts';

const exitFailed = 1;
const exitConfig = 78;
const flushMs = 1000;

/** PM2's stream to the log is asynchronous; a last word before the exit must not depend on it. */
function die(message: string, code: number): never {
  // Under PM2 this descriptor is the daemon's own log; `pm2 logs` shows the worker's.
  writeSync(2, `${message}\n`);
  const errorLog = readErrorLog();
  if (errorLog !== undefined) appendFileSync(errorLog, `${message}\n`);
  process.exit(code);
}

function configOrDie(): Config {
  try {
    return loadConfig();
  } catch (error) {
    return die(error instanceof ConfigError ? error.message : String(error), exitConfig);
  }
}

// Set before anything can fail: PM2 would keep a process that failed to start "online", serving nothing.
process.on('uncaughtException', error => die(`uncaught exception: ${error.stack ?? error.message}`, exitFailed));
process.on('unhandledRejection', reason => {
  die(`unhandled rejection: ${reason instanceof Error ? reason.stack : String(reason)}`, exitFailed);
});

const config = configOrDie();
enableCompileCache(join(config.places.runDir, 'compile-cache'));
const bootWatchdog = setTimeout(() => {
  die(`the worker was not ready within ${config.timeouts.bootMs} ms`, exitFailed);
}, config.timeouts.bootMs);

const { createWorker } = await import('./app/create-worker.ts');
const worker = createWorker(config, {
  colour: readColour(),
  version: readVersion(checkout),
  loopback: isLoopback(config.host),
  print: line => process.stdout.write(`${line}\n`),
});

/** The last lines are still on their way to PM2's file, but a file that takes nothing must not keep the process. */
function exitWhenWritten(code: number): void {
  process.stdout.write('', () => process.exit(code));
  setTimeout(() => process.exit(code), flushMs);
}

let leaving = false;
function leave(reason: string): void {
  // Asked twice, somebody is in a hurry.
  if (leaving) die(`asked to leave again (${reason}), leaving at once`, exitFailed);
  leaving = true;
  worker.stop(reason).then(
    () => exitWhenWritten(0),
    error => die(`could not stop cleanly: ${String(error)}`, exitFailed),
  );
}

process.on('SIGINT', () => leave('SIGINT'));
process.on('SIGTERM', () => leave('SIGTERM'));
process.on('message', message => {
  if (message === 'shutdown') leave('shutdown message');
});
cluster.worker?.on('disconnect', () => {
  // Without this Node ends a cluster worker at once when its primary, PM2's daemon, is gone, and cuts its streams.
  if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
  if (!leaving) leave('lost the PM2 daemon');
});

try {
  await worker.start();
} catch (error) {
  die(`the worker could not start: ${error instanceof Error ? error.message : String(error)}`, exitFailed);
}
clearTimeout(bootWatchdog);
process.send?.('ready');
