/** `deci models`: names that clients can use, and what each stands for. */
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { CommandFailure, exitCodes } from '../../kernel/exit-codes.ts';
import { isObject, type JsonObject, parseObject } from '../../kernel/json.ts';
import { pathOf } from '../api-client.ts';
import { cellText } from '../cells.ts';
import type { CommandContext } from '../command-context.ts';
import { printable, printableJson } from '../printable.ts';
import { type Column, Table } from '../table.ts';

interface JsonFlag {
  readonly json?: boolean;
}

interface SetFlags extends JsonFlag {
  readonly file?: string;
  readonly base?: string;
  readonly host?: readonly string[];
  readonly option?: readonly string[];
  readonly system?: string;
  readonly fallback?: readonly string[];
  readonly fallbackText?: string;
  readonly cache?: string;
  readonly cacheTtl?: string;
  readonly cacheScope?: string;
  readonly keepAlive?: string;
  readonly runnerOptions?: string;
  readonly attempts?: string;
}

const path = '/api/admin/models';
const many = (value: string, before: readonly string[] = []): string[] => [...before, value];

export function addModels(program: Command, context: CommandContext): void {
  const models = program.command('models').description('virtual models: names that stand for a model and its settings');
  models
    .command('list')
    .description('every virtual model and the model behind it')
    .option('--json', 'print one JSON object')
    .action(async (flags: JsonFlag) => list(context, flags));
  models
    .command('show')
    .description('all of one virtual model, as JSON')
    .argument('<name>')
    .action(async (name: string) => {
      const answer = await context.client().send({ method: 'GET', path: pathTo(name) }, context.signal);
      context.out.line(printableJson(answer));
    });
  addSet(models, context);
  models
    .command('delete')
    .description('delete a virtual model; the model behind it stays')
    .argument('<name>')
    .option('--json', 'print one JSON object')
    .action(async (name: string, { json }: JsonFlag) => {
      const answer = await context.client().send({ method: 'DELETE', path: pathTo(name) }, context.signal);
      context.out.line(json === true ? printableJson(answer) : `${printable(name)} is deleted.`);
    });
}

function addSet(models: Command, context: CommandContext): void {
  models
    .command('set')
    .description('make a virtual model, or change what is given of it')
    .argument('<name>')
    .option('--file <json>', 'write it anew as this file says; other options come on top')
    .option('--base <model>', 'the model of the hosts that answers')
    .option('--host <name>', 'only this host, or several', many)
    .option('--option <name=value>', 'a default for an option of Ollama, such as temperature=0', many)
    .option('--system <text>', 'system prompt for clients without one')
    .option('--fallback <model>', 'who answers when it cannot, or several in order', many)
    .option('--fallback-text <text>', 'what is said when nobody can answer')
    .addOption(new Option('--cache <policy>', 'recorded answers').choices(['default', 'always', 'never']))
    .option('--cache-ttl <duration>', 'how old a recorded answer may be, such as 10m')
    .addOption(new Option('--cache-scope <scope>', 'who shares recorded answers').choices(['tenant', 'key']))
    .option('--keep-alive <duration>', 'how long it stays loaded')
    .addOption(
      new Option('--runner-options <policy>', "clients' options that reload it").choices(['keep', 'round_up', 'fix']),
    )
    .option('--attempts <n>', 'attempts in total')
    .option('--json', 'print one JSON object')
    .action(async (name: string, flags: SetFlags) => set(context, name, flags));
}

/** A name may hold slashes, which are parts of the path here. */
function pathTo(name: string): string {
  return `${path}${pathOf(...name.split('/'))}`;
}

async function list({ client, out, signal }: CommandContext, { json }: JsonFlag): Promise<void> {
  const answer = await client().send({ method: 'GET', path }, signal);
  if (json === true) {
    out.line(printableJson(answer));
    return;
  }
  const columns: readonly Column[] = [
    { title: 'name', isWhole: true },
    { title: 'base', isWhole: true },
    { title: 'fallbacks' },
    { title: 'hosts' },
    { title: 'cache', isWhole: true },
  ];
  const rows = listOf(answer['data']).filter(isObject).map(row);
  const table = new Table(columns, rows, out.columns);
  out.line(table.header());
  for (const cells of rows) out.line(table.row(cells));
}

function row({ name, base, fallbacks, hosts, cache }: JsonObject): string[] {
  const policy = isObject(cache) ? cache['policy'] : undefined;
  return [cellText(name), cellText(base), joined(fallbacks), joined(hosts), cellText(policy)];
}

function joined(value: unknown): string {
  return cellText(listOf(value).map(cellText).join(' '));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

async function set({ client, out, signal }: CommandContext, name: string, flags: SetFlags): Promise<void> {
  const given = typed(flags);
  const before = flags.file === undefined ? await existing() : readRecord(flags.file);
  const { name: _name, ...body } = merged(before, given);
  const answer = await client().send({ method: 'PUT', path: pathTo(name), body }, signal);
  out.line(flags.json === true ? printableJson(answer) : `${printable(name)} answers by ${cellText(answer['base'])}.`);

  async function existing(): Promise<JsonObject> {
    const { data } = await client().send({ method: 'GET', path }, signal);
    return (
      listOf(data)
        .filter(isObject)
        .find(model => model['name'] === name) ?? {}
    );
  }
}

function merged(before: JsonObject, given: JsonObject): JsonObject {
  const all = { ...before, ...given };
  for (const part of ['options', 'cache', 'retry']) {
    if (isObject(before[part]) && isObject(given[part])) all[part] = { ...before[part], ...given[part] };
  }
  return all;
}

function readRecord(file: string): JsonObject {
  const record = parseObject(readText(file));
  if (record === undefined) throw new CommandFailure(exitCodes.usage, `${printable(file)} holds no JSON object.`);
  return record;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CommandFailure(exitCodes.usage, `${printable(file)} cannot be read: ${printable(String(cause))}`);
  }
}

/** Only what was typed. */
function typed(flags: SetFlags): JsonObject {
  const { base, host, option, system, fallback, fallbackText, cache, cacheTtl, cacheScope, keepAlive, runnerOptions } =
    flags;
  const attempts = flags.attempts === undefined ? undefined : Number(flags.attempts);
  return present({
    base,
    hosts: host,
    options: option === undefined ? undefined : Object.fromEntries(option.map(readOption)),
    system,
    fallbacks: fallback,
    fallback_text: fallbackText,
    cache: partOf({ policy: cache, ttl: cacheTtl, scope: cacheScope }),
    keep_alive: keepAlive === undefined ? undefined : secondsOr(keepAlive),
    runner_options: runnerOptions,
    retry: partOf({ attempts }),
  });
}

function present(members: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function partOf(members: JsonObject): JsonObject | undefined {
  const given = present(members);
  return Object.keys(given).length === 0 ? undefined : given;
}

function secondsOr(value: string): string | number {
  return /^-?\d+$/.test(value) ? Number(value) : value;
}

/** What is no JSON is a text. */
function readOption(text: string): [string, unknown] {
  const at = text.indexOf('=');
  if (at < 1) throw new CommandFailure(exitCodes.usage, `--option takes name=value, not ${printable(text)}.`);
  const value = text.slice(at + 1);
  return [text.slice(0, at), parseObject(`{"value":${value}}`)?.['value'] ?? value];
}
