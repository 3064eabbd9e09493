/** `npm run logs`: the last lines of the log of all workers, and then every new one, over midnight too. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { loadUsableConfig } from '../src/config/environment.ts';
import { exitCodes, ScriptFailure } from './lib/exit-codes.ts';
import { LogFollower } from './lib/log-follower.ts';
import { runScript } from './lib/output.ts';

const defaultLines = 20;
const maxLines = 10_000;
const pollMs = 250;

const usageOf = (logDir: string): string => `Usage: npm run logs [-- OPTION...]
Follows ${logDir}/combined-YYYY-MM-DD.log, one JSON object per line, until Ctrl-C.
  --errors   warnings and errors only (warn-*.log and error-*.log, in the order of their times)
  --lines N  begin with the last N lines instead of ${defaultLines}
  --once     print the last lines and end
  --help     print this`;

async function main(): Promise<number> {
  const { config, problem } = loadUsableConfig();
  const { logDir } = config.places;
  const { help, errors, once, lines } = readOptions(usageOf(logDir));
  if (help) {
    console.log(usageOf(logDir));
    return exitCodes.done;
  }
  if (problem !== undefined) console.error(`Warning: ${problem.message}`);
  const log = new LogFollower(logDir, errors ? ['warn', 'error'] : ['combined']);
  print(log.last(lines));
  if (once) return exitCodes.done;
  for (;;) {
    await sleep(pollMs);
    print(log.next());
  }
}

interface LogOptions {
  readonly help: boolean;
  readonly errors: boolean;
  readonly once: boolean;
  readonly lines: number;
}

function readOptions(usage: string): LogOptions {
  const flag = { type: 'boolean', default: false } as const;
  const options = { help: { ...flag, short: 'h' }, errors: flag, once: flag, lines: { type: 'string' } } as const;
  try {
    const { values } = parseArgs({ options });
    return { ...values, lines: lineCount(values.lines) };
  } catch (error) {
    throw new ScriptFailure(exitCodes.usage, `${(error as Error).message}\n${usage}`);
  }
}

function lineCount(text: string | undefined): number {
  if (text === undefined) return defaultLines;
  const count = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count <= maxLines)) throw new Error(`--lines wants a number from 0 to ${maxLines}`);
  return count;
}

function print(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`, 'latin1');
}

process.once('SIGINT', () => process.exit(exitCodes.done));
process.stdout.on('error', () => process.exit(exitCodes.done));
await runScript(main);
