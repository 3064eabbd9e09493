/** `deci healers`: what heals itself, how much of its budget is used, and the switch of each healer. */
import { Argument, type Command } from 'commander';
import { CommandFailure, exitCodes } from '../../kernel/exit-codes.ts';
import { isObject, type JsonObject } from '../../kernel/json.ts';
import { pathOf } from '../api-client.ts';
import { cellText, durationText, timeText } from '../cells.ts';
import { type CommandContext, paint } from '../command-context.ts';
import { printable, printableJson } from '../printable.ts';
import { type Column, Table } from '../table.ts';

const modes = ['on', 'dry_run', 'off'] as const;
type Mode = (typeof modes)[number];

interface JsonFlag {
  readonly json?: boolean;
}

export function addHealers(program: Command, context: CommandContext): void {
  const healers = program.command('healers').description('what heals itself, and its switches');
  healers
    .command('list')
    .description('every healer with its mode and budget')
    .option('--json', 'print one JSON object')
    .action(async (flags: JsonFlag) => list(context, flags));
  healers
    .command('set')
    .description('switch one healer; dry_run decides and tells, and does nothing')
    .argument('<name>', 'name of the healer, as in the list')
    .addArgument(new Argument('<mode>').choices(modes))
    .option('--json', 'print one JSON object')
    .action(async (name: string, mode: Mode, flags: JsonFlag) => set(context, { name, mode }, flags));
}

async function list({ client, out, signal }: CommandContext, { json }: JsonFlag): Promise<void> {
  const answer = await client().send({ method: 'GET', path: '/api/admin/healers' }, signal);
  const { data } = answer;
  if (!Array.isArray(data)) {
    throw new CommandFailure(
      exitCodes.failed,
      'The list of healers cannot be understood: is the server of another version?',
    );
  }
  if (json === true) {
    out.line(printableJson(answer));
    return;
  }
  const columns: readonly Column[] = [
    { title: 'name' },
    { title: 'mode', isWhole: true, paint: cell => paint(out, cell, cell === 'on' ? 'green' : 'yellow') },
    { title: 'used', align: 'right', isWhole: true },
    { title: 'budget' },
    { title: 'last', isWhole: true },
    { title: 'repairs' },
  ];
  const rows = data.filter(isObject).map(row);
  const table = new Table(columns, rows, out.columns);
  out.line(table.header());
  for (const cells of rows) out.line(table.row(cells));
}

function row({ name, mode, used, budget, last, repairs }: JsonObject): string[] {
  return [name, mode, used].map(cellText).concat(budgetText(budget), lastText(last), cellText(repairs));
}

function budgetText(budget: unknown): string {
  if (!isObject(budget)) return cellText(budget);
  const { actions, window_s: windowS } = budget;
  const window = typeof windowS === 'number' ? durationText(windowS * 1000) : cellText(windowS);
  return `${cellText(actions)} in ${window}`;
}

/** A time, or a journal record of which the time and the result matter here. */
function lastText(last: unknown): string {
  if (!isObject(last)) return timeText(last);
  return [timeText(last['time']), last['result']]
    .filter(part => part !== undefined && part !== null)
    .map(cellText)
    .join(' ');
}

async function set(
  { client, out, signal }: CommandContext,
  { name, mode }: { name: string; mode: Mode },
  { json }: JsonFlag,
): Promise<void> {
  const path = pathOf('api', 'admin', 'healers', name);
  const answer = await client().send({ method: 'PUT', path, body: { mode } }, signal);
  out.line(json === true ? printableJson({ name, mode, ...answer }) : `${printable(name)} is ${said(answer, mode)}.`);
}

/** What the server made of it, should that differ. */
function said({ mode }: JsonObject, wanted: Mode): string {
  return printable(typeof mode === 'string' ? mode : wanted);
}
