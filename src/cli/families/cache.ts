/** `deci cache`: how much is recorded, and throwing away what is wrong. */
import type { Command } from 'commander';
import { CommandFailure, exitCodes } from '../../kernel/exit-codes.ts';
import { isObject, type JsonObject } from '../../kernel/json.ts';
import { cellText } from '../cells.ts';
import type { CommandContext } from '../command-context.ts';
import { printableJson } from '../printable.ts';

interface JsonFlag {
  readonly json?: boolean;
}

interface PurgeFlags extends JsonFlag {
  readonly tag?: string;
  readonly model?: string;
  readonly key?: string;
  readonly all?: boolean;
}

export function addCache(program: Command, context: CommandContext): void {
  const cache = program.command('cache').description('recorded answers');
  cache
    .command('stats')
    .description('how much is recorded')
    .option('--json', 'print one JSON object')
    .action(async (flags: JsonFlag) => stats(context, flags));
  cache
    .command('purge')
    .description('throw recorded answers away, in all workers')
    .option('--tag <tag>', 'those recorded with this tag')
    .option('--model <name>', 'those of this model')
    .option('--key <key>', 'the one of this key, as the request log has it')
    .option('--all', 'all of them')
    .option('--json', 'print one JSON object')
    .action(async (flags: PurgeFlags) => purge(context, flags));
}

async function stats({ client, out, signal }: CommandContext, { json }: JsonFlag): Promise<void> {
  const answer = await client().send({ method: 'GET', path: '/api/admin/cache' }, signal);
  if (json === true) {
    out.line(printableJson(answer));
    return;
  }
  if (answer['enabled'] !== true) {
    out.line('The cache is switched off (CACHE=off).');
    return;
  }
  const { worker, shared } = answer;
  out.line(`fresh for ${cellText(answer['ttl_s'])} s, kept for bad times for ${cellText(answer['stale_max_s'])} s`);
  if (isObject(worker)) {
    out.line(
      `memory of worker ${cellText(worker['pid'])}: ${amountOf(worker)} of ${cellText(worker['max_entries'])} entries`,
    );
  }
  out.line(isObject(shared) ? `shared by all: ${amountOf(shared)}` : 'shared by all: cannot be used right now');
}

function amountOf({ entries, bytes, max_bytes: maxBytes }: JsonObject): string {
  return `${cellText(entries)} answers, ${megabytes(bytes)} of ${megabytes(maxBytes)} MB`;
}

function megabytes(bytes: unknown): string {
  return typeof bytes === 'number' ? (bytes / 1024 / 1024).toFixed(1) : cellText(bytes);
}

async function purge({ client, out, signal }: CommandContext, flags: PurgeFlags): Promise<void> {
  const { tag, model, key, all, json } = flags;
  const given = [tag, model, key, all].filter(value => value !== undefined);
  if (given.length !== 1) {
    throw new CommandFailure(exitCodes.usage, 'Give one of --tag, --model, --key and --all.');
  }
  const answer = await client().send(
    { method: 'DELETE', path: '/api/admin/cache', query: { tag, model, key } },
    signal,
  );
  out.line(json === true ? printableJson(answer) : `${cellText(answer['removed'])} answers were thrown away.`);
}
