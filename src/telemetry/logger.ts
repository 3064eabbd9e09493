/**
 * The log: winston with one transport of ours that appends to the daily files. Everything goes to `combined`, warnings and
 * errors also to their own file and, with the news of the process's life, to stdout, where `pm2 logs` shows it.
 */
import { inspect } from 'node:util';
import winston from 'winston';
import Transport from 'winston-transport';
import { LogFiles, type LogHealth } from './log-files.ts';

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
  /** Where lines go now. */
  health(): LogHealth;
  /** Whether lines may go elsewhere, and be held, when their folder does not take them; they may from the beginning. */
  allowFallback(isAllowed: boolean): void;
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
  const files = new LogFiles({
    ...options,
    onFailure: error => print(`log: cannot write: ${error.message}`),
    // Where they go is said in the log itself, as soon as it can be read there.
    onHealth: ({ is, lostLines, cause }) => {
      if (is === 'well') log('info', 'the log folder is written again', { dir: options.dir, lost_lines: lostLines });
      else log('warn', 'the log folder cannot be written', { dir: options.dir, lines: is, cause });
    },
  });
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
    health: () => files.health,
    allowFallback: isAllowed => files.allowFallback(isAllowed),
    close: () => files.close(),
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
