/** `deci recycle`: new workers in the place of all, one after the other. */
import type { Command } from 'commander';
import { CommandFailure, exitCodes } from '../../kernel/exit-codes.ts';
import { isObject, type JsonObject } from '../../kernel/json.ts';
import { pause } from '../../kernel/pause.ts';
import { durationText } from '../cells.ts';
import type { CommandContext } from '../command-context.ts';
import { printable, printableJson } from '../printable.ts';

interface Flags {
  readonly json?: boolean;
  readonly wait?: boolean;
}

const path = '/api/admin/recycle';
const askAgainMs = 500;
/** Longer than the drains of many workers, one after the other. */
const maxWaitMs = 3 * 3600_000;

export function addRecycle(program: Command, context: CommandContext): void {
  program
    .command('recycle')
    .description('replace all workers, one after the other, while they serve')
    .option('--wait', 'until it is done; exit code 1 when it was not')
    .option('--json', 'print one JSON object')
    .action(async (flags: Flags) => recycle(context, flags));
}

async function recycle(context: CommandContext, { wait, json }: Flags): Promise<void> {
  const { client, out, signal } = context;
  const asked = await client().send({ method: 'POST', path }, signal);
  const id = asked['journal_id'];
  if (typeof id !== 'string') {
    throw new CommandFailure(exitCodes.failed, 'The answer cannot be understood: is the server of another version?');
  }
  if (wait !== true) {
    const words = `All workers are replaced, one after the other. The journal tells how it goes: ${printable(id)}.`;
    out.line(json === true ? printableJson(asked) : words);
    return;
  }
  const record = await recordOf(context, id);
  if (json === true) out.line(printableJson(record));
  const { result, duration_ms: tookMs } = record;
  if (result !== 'healed') throw new CommandFailure(exitCodes.failed, failureWords(record));
  if (json !== true)
    out.line(`All workers were replaced${typeof tookMs === 'number' ? ` in ${durationText(tookMs)}` : ''}.`);
}

function failureWords({ result, decision }: JsonObject): string {
  const words: Readonly<Record<string, string>> = {
    dry_run: 'Nothing was done: the healer recycle is in a dry run.',
    suppressed: 'Nothing was done: the healer recycle has used up its budget.',
    no_effect: 'Not all workers were replaced, and those that were not serve on: a new one did not come up.',
  };
  return words[String(result)] ?? `It ended with ${printable(String(result))}: ${printable(String(decision))}`;
}

/** @throws CommandFailure when it takes too long */
async function recordOf({ client, signal }: CommandContext, id: string): Promise<JsonObject> {
  const deadline = performance.now() + maxWaitMs;
  while (performance.now() < deadline) {
    const { last } = await client().send({ method: 'GET', path }, signal);
    if (isObject(last) && last['id'] === id && last['result'] !== null) return last;
    await pause(askAgainMs, signal);
  }
  throw new CommandFailure(exitCodes.failed, 'It is not over yet; the journal tells when it is.');
}
