/** Whether something outside PM2 brings it back: PM2 watches the workers, and nobody in it watches PM2. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Finding, ok, warn } from './finding.ts';

export interface WatchFacts {
  /** The lines of `/proc/PID/cgroup` of the daemon; undefined when none runs. */
  readonly cgroup: string | undefined;
  readonly isContainer: boolean;
  /** What cron is told to run, of the user and of the system. */
  readonly cronLines: readonly string[];
}

const fix = 'Install deploy/deci.service, or let cron run it: * * * * * DIR/scripts/watchdog.sh --quiet (crontab -e).';
/** A unit of the system that was not made for a login. */
const serviceUnit = /\/system\.slice\/(?:.*\/)?([\w@.-]+\.service)\b/;

export function judgeWatched({ cgroup, isContainer, cronLines }: WatchFacts): Finding {
  if (cgroup === undefined) return ok('no PM2 daemon runs');
  const unit = serviceUnit.exec(cgroup)?.[1];
  if (unit !== undefined && !isLogin(unit)) return ok(`by systemd (${unit})`);
  if (cronLines.some(line => !line.trimStart().startsWith('#') && line.includes('scripts/watchdog.sh'))) {
    return ok('by cron (scripts/watchdog.sh)');
  }
  if (isContainer) {
    return warn(
      'in a container',
      'Its runtime must start it again when PM2 ends: restart: always, with PM2 as its first process.',
    );
  }
  return warn('nothing outside watches PM2: when its daemon dies, everything is down until somebody starts it', fix);
}

/** Sessions of people end, and what they started with them. */
function isLogin(unit: string): boolean {
  return /^(?:ssh|sshd|cron|crond|getty|user)(?:@.*)?\.service$/.test(unit);
}

/** @param daemonPid of PM2 */
export function readWatchFacts(daemonPid: number | undefined, crontab: string, root = '/'): WatchFacts {
  const marks = ['.dockerenv', 'run/.containerenv'];
  return {
    cgroup: daemonPid === undefined ? undefined : textOf(join(root, 'proc', String(daemonPid), 'cgroup')),
    isContainer: marks.some(mark => existsSync(join(root, mark))),
    cronLines: [crontab, textOf(join(root, 'etc/crontab')), ...cronFiles(join(root, 'etc/cron.d'))].flatMap(text =>
      text.split('\n'),
    ),
  };
}

/** Of this user. Without cron, or without a table, there is nothing in it. */
export async function readCrontab(signal: AbortSignal): Promise<string> {
  try {
    return (await promisify(execFile)('crontab', ['-l'], { signal, encoding: 'utf8' })).stdout;
  } catch {
    return '';
  }
}

function cronFiles(dir: string): string[] {
  try {
    return readdirSync(dir).map(name => textOf(join(dir, name)));
  } catch {
    return [];
  }
}

/** What cannot be read says nothing. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
