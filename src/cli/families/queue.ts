/** `deci queue`: who waits for a slot, in the order in which they will be served. */
import type { Command } from 'commander';
import { CommandFailure, exitCodes } from '../../kernel/exit-codes.ts';
import { isObject, type JsonObject } from '../../kernel/json.ts';
import { cellText } from '../cells.ts';
import type { CommandContext } from '../command-context.ts';
import { printableJson } from '../printable.ts';
import { type Column, Table } from '../table.ts';

interface JsonFlag {
  readonly json?: boolean;
}

export function addQueue(program: Command, context: CommandContext): void {
  program
    .command('queue')
    .description('who waits for a slot of a model, in all workers')
    .option('--json', 'print one JSON object')
    .action(async (flags: JsonFlag) => list(context, flags));
}

async function list({ client, out, signal }: CommandContext, { json }: JsonFlag): Promise<void> {
  const answer = await client().send({ method: 'GET', path: '/api/admin/queue' }, signal);
  const { data, capacity } = answer;
  if (!Array.isArray(data)) {
    throw new CommandFailure(exitCodes.failed, 'The line cannot be understood: is the server of another version?');
  }
  if (json === true) {
    out.line(printableJson(answer));
    return;
  }
  if (data.length === 0) {
    out.line(`Nobody waits; ${cellText(capacity)} may.`);
    return;
  }
  const columns: readonly Column[] = [
    { title: 'next', align: 'right', isWhole: true },
    { title: 'model' },
    { title: 'owner' },
    { title: 'priority', isWhole: true },
    { title: 'waited', align: 'right', isWhole: true },
    { title: 'expected', align: 'right', isWhole: true },
  ];
  const rows = data.filter(isObject).map(row);
  const table = new Table(columns, rows, out.columns);
  out.line(table.header());
  for (const cells of rows) out.line(table.row(cells));
  out.line(`${rows.length} of ${cellText(capacity)} places are taken.`);
}

function row({
  position,
  model,
  owner,
  priority,
  waited_ms: waited,
  expected_wait_ms: expected,
}: JsonObject): string[] {
  return [cellText(position), cellText(model), cellText(owner), cellText(priority), seconds(waited), seconds(expected)];
}

function seconds(ms: unknown): string {
  return typeof ms === 'number' ? `${(ms / 1000).toFixed(1)} s` : '';
}
