/** The `deci` command: arguments, environment, signals and exit code. Everything else is in cli/. */
import { ApiClient } from './cli/api-client.ts';
import { runProgram } from './cli/program.ts';
import { resolveTarget } from './cli/target.ts';
import { readCommandEnvironment } from './config/command-environment.ts';
import type { Config } from './config/config.ts';
import { checkout, loadUsableConfig, readVersion } from './config/environment.ts';
import { exitCodeOf, onReaderGone } from './kernel/command-run.ts';
import { exitCodes } from './kernel/exit-codes.ts';

const environment = readCommandEnvironment();
const ending = new AbortController();
let endedWith: number | undefined;

function end(code: number): void {
  endedWith ??= code;
  ending.abort();
}

// Asked twice, Node itself ends at once.
process.once('SIGINT', () => end(exitCodes.interrupted));
process.once('SIGTERM', () => end(exitCodes.interrupted));
onReaderGone([process.stdout], () => end(exitCodes.done));
onReaderGone([process.stderr], () => undefined);

const note = (text: string): void => console.error(text);
/** A setting that is wrong by now is no reason not to reach what runs. */
function usableConfig(): Config {
  const { config, problem } = loadUsableConfig();
  if (problem !== undefined) note(`Warning: ${problem.message}`);
  return config;
}

const context = {
  client: () => new ApiClient(resolveTarget(environment, usableConfig)),
  out: {
    line: (text: string) => console.log(text),
    note,
    columns: process.stdout.isTTY ? process.stdout.columns : undefined,
    colour: process.stdout.isTTY && environment.colourAllowed,
  },
  signal: ending.signal,
};
const code = await exitCodeOf(() => runProgram(process.argv.slice(2), readVersion(checkout), context), note);
process.exitCode = endedWith ?? code;
