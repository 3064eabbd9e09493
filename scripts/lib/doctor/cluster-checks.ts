/** The checks of what runs: the port, the workers, control, and PM2 in both homes. What several of them need is asked once. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Config, Environment } from '../../../src/config/config.ts';
import { outputDir } from '../../../src/config/ecosystem.ts';
import { liveControl, liveWorkers } from '../../../src/config/live-workers.ts';
import { askSocket } from '../../../src/kernel/socket-request.ts';
import { pm2At } from '../cluster.ts';
import type { Pm2 } from '../pm2-cli.ts';
import { type AskedWorker, askWorkers } from '../worker-sockets.ts';
import type { Check, Finding } from './finding.ts';
import { lookAtPort } from './port.ts';
import { type ControlFacts, type HomeFacts, judgeControl, judgeHome, judgeHomes, judgeWorkers } from './processes.ts';
import { judgeWatched, readCrontab, readWatchFacts } from './watched.ts';

export const clusterGroups = ['Port', 'Processes'] as const;

const [portGroup, group] = clusterGroups;
const answerMs = 2000;

export function clusterChecks(config: Config, exported: Environment): Check[] {
  const { runDir } = config.places;
  const asked = once(async () => askWorkers(runDir, answerMs));
  const ours = pm2At(join(runDir, 'pm2'));
  const theirs = pm2At(resolve(exported['PM2_HOME'] || join(homedir(), '.pm2')));
  const control = liveControl(runDir);
  const named = [...liveWorkers(runDir), ...(control === undefined ? [] : [control])].flatMap(
    ({ pm2Home }) => pm2Home ?? [],
  );
  const paths = new Set([ours.home, theirs.home, ...named.map(home => resolve(home))]);
  const homes = [...paths].map(pm2At);
  const facts = homes.map(pm2 => once(async signal => readHome(pm2, outputDir(config), signal)));
  const check = (name: string, look: (signal: AbortSignal) => Promise<Finding>): Check => ({ group, name, look });
  return [
    {
      group: portGroup,
      name: 'port',
      look: async signal => lookAtPort(config, ownProcesses(await asked(signal), ours)),
    },
    check('workers', async signal => judgeWorkers(await asked(signal), config)),
    check('control', async signal => judgeControl(await askControl(runDir), (await asked(signal)).length)),
    ...facts.map((read, index) =>
      check(['pm2, ours', "pm2, the user's"][index] ?? 'pm2, another', async signal =>
        judgeHome(await read(signal), Date.now()),
      ),
    ),
    check('pm2 homes', async signal => {
      const read = await Promise.all(facts.map(async ask => ask(signal)));
      return judgeHomes(read, (await asked(signal)).length);
    }),
    check('watched', async signal => {
      // Asking PM2 is not needed for it: it may hang.
      const pm2 = pm2At(resolve(named[0] ?? ours.home));
      return judgeWatched(readWatchFacts(pm2.daemonPid(), await readCrontab(signal)));
    }),
  ];
}

function ownProcesses(asked: readonly AskedWorker[], pm2: Pm2): Parameters<typeof lookAtPort>[1] {
  return {
    ports: asked.flatMap(({ answer }) => (answer === undefined ? [] : [answer.port])),
    daemonPid: pm2.daemonPid(),
  };
}

async function askControl(runDir: string): Promise<ControlFacts> {
  const socketPath = join(runDir, 'control.sock');
  if (!existsSync(socketPath)) return { hasSocket: false, status: undefined, failure: undefined };
  try {
    const { status } = await askSocket({ socketPath, method: 'GET', path: '/state', timeoutMs: answerMs });
    return { hasSocket: true, status, failure: undefined };
  } catch (error) {
    return { hasSocket: true, status: undefined, failure: (error as Error).message };
  }
}

/** Asking PM2 where no daemon is up would start one: `list` looks first. */
async function readHome(pm2: Pm2, output: string, signal: AbortSignal): Promise<HomeFacts> {
  const isUp = await pm2.isUp();
  return { home: pm2.home, isUp, processes: isUp ? await pm2.list(output, signal) : [] };
}

/** The signal of whoever asks first is in force: all begin at the same time, with the same deadline. */
function once<T>(ask: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let answer: Promise<T> | undefined;
  return signal => {
    answer ??= ask(signal);
    return answer;
  };
}
