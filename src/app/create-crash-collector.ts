/** The collector of crash reports, wired: where they lie, who is told, and what the log still has of a process that is gone. */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { crashReportDir } from '../config/ecosystem.ts';
import { CrashCollector } from '../crash/crash-collector.ts';
import { secretsOf } from '../crash/redact.ts';
import { parseObject } from '../kernel/json.ts';
import { isRunning } from '../kernel/process-identity.ts';
import type { Spine } from './create-spine.ts';

const tailBytes = 256 * 1024;
const maxLines = 40;

export function createCrashCollector(config: Config, { log, events }: Spine, version: string): CrashCollector {
  const { logDir, logDirFallback } = config.places;
  return new CrashCollector({
    dir: crashReportDir(config),
    version,
    secrets: secretsOf(process.env),
    isRunning,
    linesOf: pid => linesOf([logDir, ...(logDirFallback === undefined ? [] : [logDirFallback])], pid),
    onCrash: ({ kind, fingerprint, count, source, pid, cause: { name, message } }, report) => {
      events.crashed({ kind });
      log.error('a process crashed', {
        kind,
        source,
        of: pid,
        cause: `${name}: ${message}`,
        fingerprint,
        count,
        report,
      });
    },
    nowMs: Date.now,
  });
}

function linesOf(
  folders: readonly string[],
  pid: number,
): { readonly source: string; readonly lines: readonly string[] } {
  const lines = folders.flatMap(folder => tailOf(folder)).filter(line => line.includes(`"pid":${pid},`));
  const { source } = parseObject(lines.at(-1) ?? '') ?? {};
  return { source: typeof source === 'string' ? source : 'unknown', lines: lines.slice(-maxLines) };
}

/** Whole lines of the latest of the files that hold everything. */
function tailOf(folder: string): string[] {
  let file: number | undefined;
  try {
    const latest = readdirSync(folder)
      .filter(name => /^combined-.*\.log$/.test(name))
      .toSorted()
      .at(-1);
    if (latest === undefined) return [];
    file = openSync(join(folder, latest), 'r');
    const { size } = fstatSync(file);
    const tail = Buffer.alloc(Math.min(size, tailBytes));
    const bytes = readSync(file, tail, 0, tail.length, size - tail.length);
    return tail
      .toString('utf8', 0, bytes)
      .split('\n')
      .slice(size > tailBytes ? 1 : 0);
  } catch {
    return [];
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
