/**
 * The log: winston with one transport of ours that appends to the daily files. Everything goes to `combined`, warnings and
 * errors also to their own file and, with the news of the process's life, to stdout, where `pm2 logs` shows it.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import winston from 'winston';
import Transport from 'winston-transport';
import { makeFolder } from '../kernel/make-folder.ts';
import { DailyFile } from './daily-file.ts';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** A finished line of `combined` that was formatted by its writer: the request log, where each microsecond counts. */
  line(text: string): void;
  /** Whether lines of a level are kept at all. */
  keeps(level: LogLevel): boolean;
  /** Writes what is pending. Nothing may be logged afterwards. */
  close(): Promise<void>;
}

export interface LoggerOptions {
  readonly dir: string;
  readonly fallbackDir: string | undefined;
  readonly level: LogLevel;
  /** Which process speaks, for example `deci-blue`. */
  readonly source: string;
  readonly now: () => Date;
  /** Where lifecycle lines, warnings and errors go as well; they are one line each. */
  readonly print: (line: string) => void;
}

export function createLogger(options: LoggerOptions): Logger {
  const { level, source, now, print } = options;
  const dir = writableDir(options);
  const onFailure = (error: Error): void => print(`log: cannot write: ${error.message}`);
  const file = (name: string): DailyFile => new DailyFile({ dir, name, now, onFailure });
  const files = { combined: file('combined'), warn: file('warn'), error: file('error') };

  const format = winston.format.printf(info => {
    const { level: lineLevel, message, ...fields } = info;
    return toJson({
      time: now().toISOString(),
      level: lineLevel,
      source,
      pid: process.pid,
      message,
      ...fields,
    });
  });
  const transport = new LineTransport((lineLevel, text) => {
    files.combined.append(`${text}\n`);
    if (lineLevel === 'warn' || lineLevel === 'error') files[lineLevel].append(`${text}\n`);
    print(text);
  });
  const inner = winston.createLogger({ level, format, transports: [transport] });
  if (dir !== options.dir) inner.warn('the log folder cannot be written, using another', { wanted: options.dir, dir });

  // One object, not message and fields: with two arguments winston takes a % in the message for a placeholder.
  const log = (lineLevel: LogLevel, message: string, fields: LogFields = {}): void => {
    inner.log({ ...fields, level: lineLevel, message });
  };
  return {
    error: (message, fields) => log('error', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    info: (message, fields) => log('info', message, fields),
    debug: (message, fields) => log('debug', message, fields),
    line: text => files.combined.append(text),
    keeps: wanted => inner.isLevelEnabled(wanted),
    close: async () => {
      await Promise.all(Object.values(files).map(daily => daily.close()));
    },
  };
}

/** winston's part ends here: a level and a formatted line. */
class LineTransport extends Transport {
  readonly #write: (level: string, text: string) => void;

  constructor(write: (level: string, text: string) => void) {
    super();
    this.#write = write;
  }

  override log(info: Record<string | symbol, unknown>, next: () => void): void {
    this.#write(String(info['level']), String(info[Symbol.for('message')]));
    next();
  }
}

/** A field that JSON cannot hold must not end what it is told of. */
function toJson(record: Readonly<Record<string, unknown>>): string {
  try {
    return JSON.stringify(record);
  } catch {
    return JSON.stringify(
      Object.fromEntries(
        Object.entries(record).map(([name, value]) => [
          name,
          typeof value === 'object' || typeof value === 'bigint' ? inspect(value) : value,
        ]),
      ),
    );
  }
}

/** The temporary folder is everybody's: one of this name may have been put there by somebody who wants to read along. */
function isPrivate(dir: string): boolean {
  const { uid, mode } = statSync(dir);
  return uid === process.getuid?.() && (mode & 0o077) === 0;
}

/** A server that cannot write its log still serves; it says so and writes where it can. */
function writableDir({ dir, fallbackDir }: LoggerOptions): string {
  const temporary = join(tmpdir(), `deci-logs-${process.getuid?.() ?? 'user'}`);
  for (const candidate of [dir, fallbackDir, temporary]) {
    if (candidate === undefined) continue;
    try {
      makeFolder(candidate);
      accessSync(candidate, constants.W_OK);
      if (candidate === temporary && !isPrivate(candidate)) continue;
      return candidate;
    } catch {
      // The next one may be writable; the last failure shows when the first line is written.
    }
  }
  return temporary;
}
