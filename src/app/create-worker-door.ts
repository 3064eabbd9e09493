/** What this machine may ask a worker for over its private socket; whatever is no route of it goes to the public application. */
import type { createExpressApp } from '../http/express-app.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Spine } from './create-spine.ts';
import { type FlightDoor, flightPath } from './flight-door.ts';
import { renderOwnMetrics } from './metrics-render.ts';
import { PrivateSocket } from './private-socket.ts';
import type { Serving } from './serving.ts';

export interface WorkerDoorOptions {
  readonly socketPath: string;
  readonly serving: Pick<Serving, 'live' | 'standby'>;
  readonly registry: Spine['registry'];
  readonly log: Pick<Logger, 'warn' | 'error'>;
  readonly describe: () => object;
  readonly publicApp: ReturnType<typeof createExpressApp>;
  /** Absent where answers are not shared. */
  readonly flights: FlightDoor | undefined;
  /** Ends the process as a signal would. */
  readonly leave: (reason: string) => void;
}

export function createWorkerDoor(options: WorkerDoorOptions): PrivateSocket {
  const { socketPath, serving, registry, log, describe, flights, publicApp } = options;
  return new PrivateSocket({
    socketPath,
    routes: {
      'GET /state': () => ({ body: describe() }),
      'GET /metrics': () => ({ body: renderOwnMetrics(registry) }),
      'HEAD /metrics': () => {
        registry.flush();
        return {};
      },
      'POST /live': async () => {
        await serving.live();
        return { body: describe() };
      },
      'POST /standby': async () => {
        await serving.standby();
        return { body: describe() };
      },
      'POST /drain': () => {
        // Behind the answer: whoever asked shall hear that it was understood.
        setImmediate(() => options.leave('asked to drain'));
        return { status: 202, body: describe() };
      },
    },
    fallback: (req, res) =>
      req.url === flightPath && flights !== undefined ? flights.handle(req, res) : publicApp(req, res),
    random: Math.random,
    onTakenBack: () => log.warn('the private socket was lost and is back', { path: socketPath }),
    onFailure: error => log.error('the private socket cannot be kept', { cause: String(error) }),
  });
}
