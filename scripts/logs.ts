/** `npm run logs`: the last lines of the log of all workers, and then every new one, over midnight too. */
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCluster } from './lib/cluster.ts';
import { exitCodes } from './lib/exit-codes.ts';
import { readFlags } from './lib/flags.ts';
import { runScript } from './lib/output.ts';

const usage = `Usage: npm run logs [-- OPTION...]
Follows logs/combined-YYYY-MM-DD.log, one JSON object per line, until Ctrl-C.
  --errors  warnings and errors only
  --once    print the last lines and end
  --help    print this`;

const pollMs = 250;
const firstBytes = 4096;
const chunkBytes = 64 * 1024;

async function main(): Promise<number> {
  const flags = readFlags(usage, ['errors', 'once']);
  if (flags === undefined) return exitCodes.done;
  const { logDir } = openCluster().config.places;
  const prefix = flags.errors ? 'warn-' : 'combined-';
  let path = newest(logDir, prefix);
  let offset = path === undefined ? 0 : startOfTail(path);
  for (;;) {
    if (path !== undefined) offset = copy(path, offset);
    if (flags.once) return exitCodes.done;
    await sleep(pollMs);
    const latest = newest(logDir, prefix);
    if (latest === path) continue;
    if (path !== undefined) copy(path, offset);
    path = latest;
    offset = 0;
  }
}

function newest(dir: string, prefix: string): string | undefined {
  try {
    const names = readdirSync(dir).filter(name => name.startsWith(prefix) && name.endsWith('.log'));
    const last = names.toSorted().at(-1);
    return last === undefined ? undefined : join(dir, last);
  } catch {
    return undefined;
  }
}

/** Begins at a whole line. */
function startOfTail(path: string): number {
  const from = Math.max(0, statSync(path).size - firstBytes);
  if (from === 0) return 0;
  const buffer = Buffer.alloc(firstBytes);
  const length = readAt(path, buffer, from);
  return from + buffer.subarray(0, length).indexOf('\n') + 1;
}

function copy(path: string, from: number): number {
  const buffer = Buffer.alloc(chunkBytes);
  let offset = from;
  for (;;) {
    const length = readAt(path, buffer, offset);
    if (length === 0) return offset;
    process.stdout.write(buffer.subarray(0, length).toString('latin1'), 'latin1');
    offset += length;
  }
}

function readAt(path: string, buffer: Buffer, offset: number): number {
  const fd = openSync(path, 'r');
  try {
    return readSync(fd, buffer, 0, buffer.length, offset);
  } finally {
    closeSync(fd);
  }
}

process.once('SIGINT', () => process.exit(exitCodes.done));
process.stdout.on('error', () => process.exit(exitCodes.done));
await runScript(main);
