/** `deci hosts`: the Ollama hosts, what each is doing, and keeping one free of new requests. */
import type { Command } from 'commander';
import { CommandFailure, exitCodes } from '../../kernel/exit-codes.ts';
import { isObject, type JsonObject } from '../../kernel/json.ts';
import { pathOf } from '../api-client.ts';
import { cellText } from '../cells.ts';
import { type CommandContext, paint } from '../command-context.ts';
import { printable, printableJson } from '../printable.ts';
import { type Column, Table } from '../table.ts';

interface JsonFlag {
  readonly json?: boolean;
}

export function addHosts(program: Command, context: CommandContext): void {
  const hosts = program.command('hosts').description('the Ollama hosts, and which of them get new requests');
  hosts
    .command('list')
    .description('every host with its state, its slots and how many models it has')
    .option('--json', 'print one JSON object')
    .action(async (flags: JsonFlag) => list(context, flags));
  for (const [action, description] of [
    ['drain', 'keep a host free of new requests; it finishes what it has'],
    ['undrain', 'let it take requests again'],
  ] as const) {
    hosts
      .command(action)
      .description(description)
      .argument('<name>', 'name of the host, as in the list')
      .option('--json', 'print one JSON object')
      .action(async (name: string, flags: JsonFlag) => change(context, { name, action }, flags));
  }
  hosts
    .command('reset-breaker')
    .description('use a host again that is left alone because it fails, with all of its models or with one')
    .argument('<name>', 'name of the host, as in the list')
    .argument('[model]', 'only this model on it')
    .option('--json', 'print one JSON object')
    .action(async (name: string, model: string | undefined, flags: JsonFlag) =>
      resetBreaker(context, { name, model }, flags),
    );
}

async function resetBreaker(
  { client, out, signal }: CommandContext,
  { name, model }: { name: string; model: string | undefined },
  { json }: JsonFlag,
): Promise<void> {
  const path =
    model === undefined
      ? pathOf('api', 'admin', 'hosts', name, 'reset-breaker')
      : pathOf('api', 'admin', 'breakers', `${name} ${model}`, 'reset');
  const answer = await client().send({ method: 'POST', path }, signal);
  const meant = model === undefined ? `${name} and its models` : `${model} on ${name}`;
  out.line(json === true ? printableJson(answer) : `Nothing keeps requests from ${printable(meant)} any more.`);
}

async function list({ client, out, signal }: CommandContext, { json }: JsonFlag): Promise<void> {
  const answer = await client().send({ method: 'GET', path: '/api/admin/hosts' }, signal);
  const { data } = answer;
  if (!Array.isArray(data)) {
    throw new CommandFailure(
      exitCodes.failed,
      'The list of hosts cannot be understood: is the server of another version?',
    );
  }
  if (json === true) {
    out.line(printableJson(answer));
    return;
  }
  const columns: readonly Column[] = [
    { title: 'name', isWhole: true },
    { title: 'state', isWhole: true, paint: cell => paint(out, cell, colourOf(cell)) },
    { title: 'slots', align: 'right', isWhole: true },
    { title: 'models', align: 'right', isWhole: true },
    { title: 'loaded' },
    { title: 'version', isWhole: true },
    { title: 'reason' },
  ];
  const rows = data.filter(isObject).map(row);
  const table = new Table(columns, rows, out.columns);
  out.line(table.header());
  for (const cells of rows) out.line(table.row(cells));
}

function colourOf(state: string): 'green' | 'yellow' | 'red' {
  if (state === 'down' || state === 'wedged') return 'red';
  return state === 'ready' || state === 'busy' ? 'green' : 'yellow';
}

function row({ name, state, slots, models, version, reason }: JsonObject): string[] {
  const rows = Array.isArray(models) ? models.filter(isObject) : [];
  const loaded = rows.filter(model => model['loaded'] === true).map(model => cellText(model['name']));
  const differing = rows.filter(model => model['differs'] === true).length;
  const used = isObject(slots) ? `${cellText(slots['in_use'])}/${cellText(slots['max'])}` : cellText(slots);
  return [
    cellText(name),
    cellText(state),
    used,
    differing === 0 ? String(rows.length) : `${rows.length} (${differing} differ)`,
    cellText(loaded.join(' ')),
    cellText(version),
    cellText(reason),
  ];
}

async function change(
  { client, out, signal }: CommandContext,
  { name, action }: { name: string; action: 'drain' | 'undrain' },
  { json }: JsonFlag,
): Promise<void> {
  const path = pathOf('api', 'admin', 'hosts', name, action);
  const answer = await client().send({ method: 'POST', path }, signal);
  out.line(json === true ? printableJson(answer) : `${printable(name)} is ${printable(String(answer['state']))}.`);
}
