/** `deci journal`: what was healed, why, and whether it worked. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { duration } from '../../config/value-types.ts';
import { isObject, type JsonObject } from '../../kernel/json.ts';
import { cellText, durationText, timeText } from '../cells.ts';
import { type CommandContext, type CommandOutput, paint } from '../command-context.ts';
import { printableJson } from '../printable.ts';
import { type Column, Table } from '../table.ts';
import { followJournal } from './follow-journal.ts';
import { type JournalFilters, JournalPages } from './journal-pages.ts';
import { requireHealer } from './known-healers.ts';

interface JournalFlags {
  readonly follow?: boolean;
  readonly limit: number;
  readonly healer?: string;
  readonly result?: string;
  readonly target?: string;
  readonly since?: string;
  readonly until?: string;
  readonly json?: boolean;
}

const maxLimit = 10_000;
const results = ['healed', 'no_effect', 'worse', 'suppressed', 'dry_run', 'pending'];
const ago = duration(1, 366 * 86_400_000);

export function addJournal(program: Command, context: CommandContext): void {
  program
    .command('journal')
    .description('what was healed, why, and whether it worked; newest first')
    .option('--follow', 'go on with every new record, oldest first, until Ctrl-C; a pending one is not told again')
    .option('--limit <n>', 'how many records; with --follow, how many to begin with', limit, 20)
    .option('--healer <name>', 'of this healer only')
    .addOption(new Option('--result <result>', 'with this result only').choices(results))
    .option('--target <words>', 'about this target only: whole words of it, such as the name of a host')
    .option('--since <time>', 'what began then or later: RFC 3339, or so long ago, such as 2h', moment)
    .addOption(
      new Option('--until <time>', 'what began then or before; as --since').argParser(moment).conflicts('follow'),
    )
    .option('--json', 'print one JSON object; with --follow one for each record')
    .action(async (flags: JournalFlags) => (flags.follow === true ? follow(context, flags) : show(context, flags)));
}

function limit(text: string): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > maxLimit) throw new InvalidArgumentError(`Expected a number from 1 to ${maxLimit}.`);
  return value;
}

/** A time as the server takes it. */
function moment(text: string): string {
  const agoMs = ago.parse(text);
  const atMs = agoMs === undefined ? Date.parse(text) : Date.now() - agoMs;
  if (Number.isNaN(atMs) || (agoMs === undefined && !/^\d{4}-\d{2}-\d{2}/.test(text))) {
    throw new InvalidArgumentError('Expected a time such as 2026-01-31T12:00:00Z, or how long ago, such as 30m or 2h.');
  }
  return new Date(atMs).toISOString();
}

function filtersOf({
  healer,
  result,
  target,
  since,
  until,
}: Partial<Record<keyof JournalFilters, string | undefined>>): JournalFilters {
  return { healer, result, target, since, until };
}

async function show({ client, out, signal }: CommandContext, flags: JournalFlags): Promise<void> {
  const api = client();
  const { records, nextCursor, hasMore } = await new JournalPages(api, filtersOf(flags)).newest(flags.limit, signal);
  if (records.length === 0 && flags.healer !== undefined) await requireHealer(api, flags.healer, signal);
  if (flags.json === true) {
    out.line(printableJson({ data: records, next_cursor: nextCursor ?? null, has_more: hasMore }));
    return;
  }
  const isFiltered = Object.values(filtersOf({ ...flags, healer: undefined })).some(value => value !== undefined);
  if (records.length === 0 && isFiltered) out.note('The journal has no such record.');
  else if (records.length === 0) out.note('The journal is empty: nothing had to be healed.');
  else for (const line of tableOf(out, records, true)(records)) out.line(line);
}

async function follow({ client, out, signal }: CommandContext, flags: JournalFlags): Promise<void> {
  const api = client();
  let toLines: ((records: readonly JsonObject[]) => string[]) | undefined;
  const onRecords = (records: readonly JsonObject[]): void => {
    if (flags.json !== true) toLines ??= tableOf(out, records, false);
    for (const line of toLines?.(records) ?? records.map(printableJson)) out.line(line);
  };
  const onOutage = (failure: Error): void => {
    out.note(`${failure.message.split('\n')[0]}\nWaiting for ${api.url}; the journal goes on from where it was.`);
  };
  const pages = new JournalPages(api, filtersOf(flags));
  await followJournal({ pages, first: flags.limit, onRecords, onOutage }, signal);
}

/** The first call of what is returned begins with the titles. */
function tableOf(
  out: CommandOutput,
  samples: readonly JsonObject[],
  isWhole: boolean,
): (records: readonly JsonObject[]) => string[] {
  const table = new Table(columnsFor(out, isWhole), samples.map(row), out.columns);
  let begun = false;
  return records => {
    const lines = records.map(record => table.row(row(record)));
    if (!begun) lines.unshift(table.header());
    begun = true;
    return lines;
  };
}

/** @param isWhole whether no rows come later: for these there is a reserve */
function columnsFor(out: CommandOutput, isWhole: boolean): Column[] {
  const reserve = (minWidth: number): { minWidth?: number } => (isWhole ? {} : { minWidth });
  const colours: Readonly<Record<string, 'green' | 'yellow' | 'red'>> = {
    healed: 'green',
    no_effect: 'yellow',
    worse: 'red',
  };
  const dress = (result: string): string => {
    const colour = colours[result];
    return colour === undefined ? result : paint(out, result, colour);
  };
  return [
    { title: 'time', isWhole: true, ...reserve(20) },
    { title: 'healer', ...reserve(16) },
    { title: 'result', isWhole: true, paint: dress, ...reserve(10) },
    { title: 'target', ...reserve(16) },
    { title: 'trigger', ...reserve(24) },
    { title: 'action', ...reserve(12) },
    { title: 'took', align: 'right', isWhole: true, ...reserve(6) },
    { title: 'requests', align: 'right', isWhole: true },
    { title: 'decision' },
  ];
}

function row(record: JsonObject): string[] {
  const { healer, result, target, action, decision } = record;
  return [
    timeText(record['time']),
    cellText(healer),
    result === null || result === undefined ? 'pending' : cellText(result),
    cellText(target),
    triggerText(record['trigger']),
    cellText(action),
    durationText(record['duration_ms']),
    cellText(record['requests_affected']),
    cellText(decision),
  ];
}

function triggerText(trigger: unknown): string {
  if (!isObject(trigger)) return cellText(trigger);
  const { signal, value, threshold } = trigger;
  const limits = threshold === undefined || threshold === null ? '' : ` (limit ${cellText(threshold)})`;
  return `${cellText(signal)} ${cellText(value)}${limits}`;
}
