/** Whether what runs also answers, and whether PM2 had to bring it back. A cluster that does not run is no fault. */
import type { Config } from '../../../src/config/config.ts';
import { duration, plural } from '../describe.ts';
import type { Pm2Process } from '../pm2-cli.ts';
import type { AskedWorker } from '../worker-sockets.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const recentMs = 3_600_000;
const seeErrors = 'See npm run logs -- --errors.';

export function judgeWorkers(asked: readonly AskedWorker[], { workers }: Pick<Config, 'workers'>): Finding {
  if (asked.length === 0) return ok('Deci does not run');
  const silent = asked.filter(({ answer }) => answer === undefined).map(({ worker }) => worker.pid);
  if (silent.length > 0) {
    const pids = silent.join(', ');
    return fail(
      `${plural(silent.length, 'worker')} of ${asked.length} live and do not answer (pid ${pids})`,
      `${seeErrors} npm stop and npm start replace them.`,
    );
  }
  const ready = asked.filter(({ answer }) => answer?.state === 'ready').length;
  const detail = `${ready} of ${plural(workers, 'worker')} ready`;
  return ready >= workers
    ? ok(detail)
    : warn(detail, `Others are starting or leaving, or could not start. ${seeErrors}`);
}

export interface ControlFacts {
  readonly hasSocket: boolean;
  /** What it said; the words of the failure when it said nothing that can be used. */
  readonly status: number | undefined;
  readonly failure: string | undefined;
}

export function judgeControl({ hasSocket, status, failure }: ControlFacts, workers: number): Finding {
  if (workers === 0 && !hasSocket) return ok('does not run');
  const fix =
    'Serving does not need it, healing does: npm run pm2 -- restart deci-control, then npm run logs -- --errors.';
  if (!hasSocket) return warn('does not run, although workers do', fix);
  if (status === 200) return ok('answers');
  const words = failure ?? `status ${status}`;
  if (workers === 0) return warn(`has left its socket behind (${words})`, 'The next start replaces it.');
  return fail(`does not answer (${words})`, fix);
}

export interface HomeFacts {
  readonly home: string;
  readonly isUp: boolean;
  readonly processes: readonly Pm2Process[];
}

/** @param alive whether workers of ours live at all, in whichever home */
export function judgeHome({ home, isUp, processes }: HomeFacts, nowMs: number): Finding {
  if (!isUp) return ok(`no daemon in ${home}`);
  if (processes.length === 0) return ok(`a daemon without processes of ours in ${home}`);
  const errored = processes.filter(({ status }) => status === 'errored');
  if (errored.length > 0) {
    return fail(
      `given up by PM2: ${errored.map(nameAndRestarts).join(', ')}`,
      `${seeErrors} Then npm stop and npm start.`,
    );
  }
  const shaky = processes.filter(({ restarts, upSince }) => restarts > 0 && nowMs - upSince < recentMs);
  if (shaky.length > 0) {
    const told = shaky.map(process => `${nameAndRestarts(process)}, last ${duration(nowMs - process.upSince)} ago`);
    return warn(told.join('; '), `${seeErrors} Reloads count too.`);
  }
  return ok(`${processes.length} of ours in ${home}`);
}

function nameAndRestarts({ name, pid, restarts }: Pm2Process): string {
  return `${name}${pid > 0 ? ` (pid ${pid})` : ''} restarted ${restarts === 1 ? 'once' : `${restarts} times`}`;
}

/** One cluster at a time, in one daemon. */
export function judgeHomes(homes: readonly HomeFacts[], liveWorkers: number): Finding {
  const used = homes.filter(({ processes }) => processes.length > 0);
  if (used.length > 1) {
    const names = used.map(({ home }) => home).join(' and ');
    return fail(`processes of ours in two PM2 homes: ${names}`, 'npm stop ends both; then start in one of them.');
  }
  if (liveWorkers > 0 && homes.every(({ isUp }) => !isUp)) {
    return fail('workers run without a PM2 daemon, which would bring them back', 'npm stop, then npm start.');
  }
  return ok(used[0] === undefined ? 'none has processes of ours' : `one: ${used[0].home}`);
}
