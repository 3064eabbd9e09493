/** The composition root of the control process: everything is made here, in a straight line, and started and stopped from here. */
import { mkdir } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import { controlSocketPath } from '../config/live-workers.ts';
import { withDeadline } from '../kernel/deadline.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { WorkerWatch } from '../supervision/worker-watch.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import { PrivateSocket } from './private-socket.ts';

export interface ControlIdentity {
  readonly version: string;
  readonly print: (line: string) => void;
}

export interface Control {
  readonly log: Logger;
  /** Supervises. @throws LifecycleError; nothing is left running then */
  start(): Promise<void>;
  /** Idempotent. */
  stop(reason: string): Promise<void>;
}

const closingMs = 5000;

export function createControl(config: Config, { version, print }: ControlIdentity): Control {
  const { places, timeouts } = config;
  const startedAt = new Date();
  let state: 'starting' | 'ready' | 'draining' = 'starting';
  let stopping: Promise<void> | undefined;

  const log = createLogger({
    dir: places.logDir,
    fallbackDir: places.logDirFallback,
    level: config.logLevel,
    source: 'deci-control',
    now: () => new Date(),
    print,
  });

  const watch = new WorkerWatch({
    runDir: places.runDir,
    intervalMs: 1000,
    answerMs: 800,
    now: () => new Date(),
    random: Math.random,
    onChange: ({ pid, colour, state: now }, before) => {
      const fields = { worker: pid, colour, before, now };
      if (now === 'not answering') log.warn('worker does not answer', fields);
      else log.info('worker changed', fields);
    },
    onGone: ({ pid, colour, state: before }) => log.info('worker is gone', { worker: pid, colour, before }),
    onFailure: error => log.error('looking for workers failed', { cause: String(error) }),
  });
  const lifecycle = new Lifecycle([watch]);

  const socketPath = controlSocketPath(places.runDir);
  const door = new PrivateSocket({
    socketPath,
    routes: {
      'GET /state': () => ({
        body: { pid: process.pid, state, version, started_at: startedAt.toISOString(), workers: watch.views },
      }),
    },
    random: Math.random,
    onTakenBack: () => log.warn('the private socket was lost and is back', { path: socketPath }),
    onFailure: error => log.error('the private socket cannot be kept', { cause: String(error) }),
  });

  return {
    log,
    async start() {
      await mkdir(places.runDir, { recursive: true, mode: 0o700 });
      await withDeadline(timeouts.bootMs, signal => lifecycle.start(signal));
      await door.start();
      state = 'ready';
      log.info('control is ready');
    },
    stop(reason) {
      stopping ??= leave(reason);
      return stopping;
    },
  };

  async function leave(reason: string): Promise<void> {
    state = 'draining';
    log.info('control is leaving', { reason });
    try {
      await withDeadline(closingMs, signal => lifecycle.stop(signal));
      await door.stop();
    } finally {
      await log.close();
    }
  }
}
