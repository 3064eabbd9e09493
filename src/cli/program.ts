/** The commands of `deci`, and how their usage errors end. A new family is one file in families/ and one line here. */
import { Command, CommanderError } from 'commander';
import { exitCodes } from '../kernel/exit-codes.ts';
import type { CommandContext } from './command-context.ts';
import { addCache } from './families/cache.ts';
import { addHealers } from './families/healers.ts';
import { addBreakers } from './families/host-breakers.ts';
import { addHosts } from './families/hosts.ts';
import { addJournal } from './families/journal.ts';
import { addModels } from './families/models.ts';
import { addQueue } from './families/queue.ts';
import { addRecycle } from './families/recycle.ts';

const families: ReadonlyArray<(program: Command, context: CommandContext) => void> = [
  addHealers,
  addHosts,
  addQueue,
  addBreakers,
  addModels,
  addCache,
  addJournal,
  addRecycle,
];

const about = `
Environment:
  DECI_URL       the server; the one of this machine when absent
  DECI_KEY       the key; or DECI_KEY_FILE, a file that holds it.
                 Servers of this machine get the admin key (data/admin-key in DECI_HOME) when both
                 are absent.
  NO_COLOR       no colours
Exit codes: 0 done, 1 failed, 2 usage, 3 not reachable or refused before anything was changed,
78 bad configuration, 130 interrupted.`;

/**
 * @param args without the program and the file
 * @throws CommandFailure
 */
export async function runProgram(args: readonly string[], version: string, context: CommandContext): Promise<number> {
  const program = new Command('deci')
    .description('Looks into a running Deci and steers it.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(--help tells what there is)')
    .configureOutput({
      writeOut: text => context.out.line(text.trimEnd()),
      writeErr: text => context.out.note(text.trimEnd()),
      getOutHelpWidth: () => context.out.columns ?? 80,
      getErrHelpWidth: () => context.out.columns ?? 80,
    })
    .addHelpText('after', about);
  for (const add of families) add(program, context);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCodes.done;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // It has printed its words already.
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
}
