/** The checks of folders and files below DECI_HOME. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Places } from '../../../src/config/config.ts';
import { liveWorkers } from '../../../src/config/live-workers.ts';
import { longestSocketFits } from '../preflight.ts';
import { judgeDisk, judgeSharedMemory, readRoom } from './disk.ts';
import { type Check, type Finding, fail, ok } from './finding.ts';
import { judgeFolder, readFolder } from './folders.ts';
import { lookAtKeyFile } from './key-file.ts';
import { judgeState, lookAtPm2Home, readState } from './run-folder.ts';

export const placesGroup = 'Places';

const sharedMemory = '/dev/shm';

export function placesChecks(places: Places): Check[] {
  const { dataDir, logDir, runDir, hotDir } = places;
  const uid = process.getuid?.();
  const folder = (name: string, setting: string, path: string): Check => ({
    group: placesGroup,
    name,
    look: () => judgeFolder(readFolder(path), { setting, uid }),
  });
  const check = (name: string, look: () => Finding): Check => ({ group: placesGroup, name, look });
  return [
    folder('data', 'DATA_DIR', dataDir),
    folder('logs', 'LOG_DIR', logDir),
    folder('run', 'RUN_DIR', runDir),
    hotDir === undefined ? check('hot', () => lookAtSharedMemory(runDir)) : folder('hot', 'HOT_DIR', hotDir),
    check('disk', () => judgeDisk([dataDir, logDir, runDir].map(readRoom))),
    check('sockets', () => judgeSocketPath(runDir)),
    check('admin key', () => lookAtKeyFile(join(dataDir, 'admin-key'))),
    check('pm2 home', () => lookAtPm2Home(join(runDir, 'pm2'))),
    check('state', () => judgeState(readState(runDir, liveWorkers(runDir)))),
  ];
}

export function judgeSocketPath(runDir: string): Finding {
  if (longestSocketFits(runDir)) return ok('their paths are short enough');
  return fail(`the path is too long for a socket (${runDir})`, 'Set RUN_DIR or DECI_HOME to a shorter path.');
}

function lookAtSharedMemory(runDir: string): Finding {
  const exists = statSync(sharedMemory, { throwIfNoEntry: false })?.isDirectory() === true;
  return judgeSharedMemory(exists ? readRoom(sharedMemory) : undefined, join(runDir, 'hot'));
}
