/** `deci breakers`: which hosts and models are left alone because they fail, and the way to end that by hand. */
import type { Command } from 'commander';
import { CommandFailure, exitCodes } from '../../kernel/exit-codes.ts';
import { isObject, type JsonObject } from '../../kernel/json.ts';
import { pathOf } from '../api-client.ts';
import { cellText, timeText } from '../cells.ts';
import { type CommandContext, paint } from '../command-context.ts';
import { printable, printableJson } from '../printable.ts';
import { type Column, Table } from '../table.ts';

interface JsonFlag {
  readonly json?: boolean;
}

export function addBreakers(program: Command, context: CommandContext): void {
  const breakers = program.command('breakers').description('hosts and models that are left alone because they fail');
  breakers
    .command('list')
    .description('every breaker with its state and cause')
    .option('--json', 'print one JSON object')
    .action(async (flags: JsonFlag) => {
      const answer = await context.client().send({ method: 'GET', path: '/api/admin/breakers' }, context.signal);
      show(context, answer, flags);
    });
  breakers
    .command('reset')
    .description('close a breaker at once; the name of a host means those of its models too, all means every one')
    .argument('<name>', 'name of the breaker, as in the list')
    .option('--json', 'print one JSON object')
    .action(async (name: string, flags: JsonFlag) => {
      const path = pathOf('api', 'admin', 'breakers', name, 'reset');
      const answer = await context.client().send({ method: 'POST', path }, context.signal);
      if (flags.json === true) context.out.line(printableJson(answer));
      else context.out.line(`${printable(name)} is closed.`);
    });
}

function show({ out }: CommandContext, answer: JsonObject, { json }: JsonFlag): void {
  const { data } = answer;
  if (!Array.isArray(data)) {
    throw new CommandFailure(
      exitCodes.failed,
      'The list of breakers cannot be understood: is the server of another version?',
    );
  }
  if (json === true) {
    out.line(printableJson(answer));
    return;
  }
  const columns: readonly Column[] = [
    { title: 'name' },
    { title: 'state', isWhole: true, paint: cell => paint(out, cell, cell === 'closed' ? 'green' : 'yellow') },
    { title: 'since', isWhole: true },
    { title: 'tried by', isWhole: true },
    { title: 'cause' },
  ];
  const rows = data.filter(isObject).map(row);
  const table = new Table(columns, rows, out.columns);
  out.line(table.header());
  for (const cells of rows) out.line(table.row(cells));
}

function row({ name, state, since, retry_at: retryAt, cause }: JsonObject): string[] {
  return [cellText(name), cellText(state), timeText(since), timeText(retryAt), cellText(cause)];
}
