/**
 * What watches PM2 where neither systemd nor a container does: run once a minute by cron, it starts the cluster again when it was
 * started, was not stopped, and its daemon is gone. A cluster whose daemon runs is PM2's and control's business.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { checkout } from '../src/config/environment.ts';
import { readRunState } from '../src/config/run-state.ts';
import { openClusterAnyway, pm2At } from './lib/cluster.ts';
import { exitCodes } from './lib/exit-codes.ts';
import { readFlags } from './lib/flags.ts';
import { runScript } from './lib/output.ts';

const usage = `Usage: scripts/watchdog.sh [OPTION...]     (for cron: * * * * * DIR/scripts/watchdog.sh --quiet)
Starts Deci again when its PM2 daemon has died. Does nothing when it runs, was never started, or was stopped.
  --dry-run  say what would be done
  --quiet    print nothing when there is nothing to do
  --help     print this
Exit codes: 0 runs, or is meant not to, 1 could not be started, 2 usage, 3 refused before anything was changed,
4 a start is under way, 6 it ran in a PM2 daemon of your own: start that one again, 78 bad configuration.`;

type Finding =
  | { readonly is: 'fine'; readonly words: string }
  | { readonly is: 'gone'; readonly home: string; readonly isOurs: boolean };

async function main(): Promise<number> {
  const flags = readFlags(usage, ['dry-run', 'quiet']);
  if (flags === undefined) return exitCodes.done;
  const finding = await look();
  if (finding.is === 'fine') {
    if (!flags.quiet) console.log(finding.words);
    return exitCodes.done;
  }
  if (!finding.isOurs) {
    console.error(
      `The PM2 daemon of ${finding.home}, in which Deci ran, is gone: pm2 resurrect, or pm2 start ecosystem.config.js.`,
    );
    return exitCodes.needsHuman;
  }
  console.log(`The PM2 daemon of ${finding.home} is gone${flags['dry-run'] ? ': Deci would be started again.' : '.'}`);
  return flags['dry-run'] ? exitCodes.done : await startAgain();
}

async function look(): Promise<Finding> {
  const { config, pm2 } = openClusterAnyway();
  // Written by every start, and removed by every stop.
  const state = readRunState(config.places.runDir);
  if (state === undefined) return { is: 'fine', words: 'Deci was not started, or was stopped.' };
  const home = resolve(state.pm2_home);
  if (await pm2At(home).isUp()) return { is: 'fine', words: 'Deci runs.' };
  return { is: 'gone', home, isOurs: home === resolve(pm2.home) };
}

/** Workers of the daemon that died may still finish their streams; they take no new ones. */
async function startAgain(): Promise<number> {
  const child = spawn(process.execPath, [join(checkout, 'scripts', 'start.ts')], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? exitCodes.failed;
}

await runScript(main);
