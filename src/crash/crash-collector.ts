/**
 * Looks after the folder of crash reports for all processes: what Node itself has written of a process that died of a fatal error
 * becomes a report like the others, and every new one is told, once each time it strikes. Owner: the composition root of control.
 *
 * What was there before this process is old news, unless it is so young that nobody may have told it.
 */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseObject } from '../kernel/json.ts';
import { keepReport, namesIn, readReport, reportsIn } from './crash-folder.ts';
import { buildReport, type CrashReport } from './crash-report.ts';
import { readFatal } from './fatal-report.ts';

export interface CrashCollectorOptions {
  readonly dir: string;
  readonly version: string;
  readonly secrets: readonly string[];
  readonly isRunning: (pid: number) => boolean;
  /** The last lines that a process has logged, and what they call it. */
  readonly linesOf: (pid: number) => { readonly source: string; readonly lines: readonly string[] };
  readonly onCrash: (report: CrashReport, path: string) => void;
  readonly nowMs: () => number;
}

const rawName = /^report\..*\.json$/;
const maxRawBytes = 16 * 1024 * 1024;
/** One that cannot be read by then never will. */
const rawMs = 60_000;
/** As long as a control process is away when it is killed, and some. */
const newsMs = 60_000;

export class CrashCollector {
  readonly #options: CrashCollectorOptions;
  readonly #counts = new Map<string, number>();
  readonly #changedAtMs = new Map<string, number>();
  #hasLooked = false;

  constructor(options: CrashCollectorOptions) {
    this.#options = options;
  }

  /** For a schedule. @throws what the disk says */
  look(): void {
    for (const file of namesIn(this.#options.dir)) if (rawName.test(file)) this.#collect(file);
    this.#tell();
    this.#hasLooked = true;
  }

  #collect(file: string): void {
    const { dir, version, secrets, isRunning, linesOf, nowMs } = this.#options;
    const path = join(dir, file);
    const { size, mtimeMs } = statSync(path);
    const facts = size > maxRawBytes ? undefined : readFatal(parseObject(readFileSync(path, 'utf8')) ?? {});
    // It is written while the process dies.
    if (facts === undefined ? nowMs() - mtimeMs < rawMs : isRunning(facts.pid)) return;
    if (facts !== undefined) {
      const { source, lines } = linesOf(facts.pid);
      const around = { ...facts.around, version, source, pid: facts.pid, in_flight: null, event_loop: null };
      const what = { kind: 'fatal_error', cause: facts.cause, time: facts.time } as const;
      keepReport(dir, buildReport(what, { ...around, last_lines: lines }, secrets));
    }
    rmSync(path, { force: true });
  }

  #tell(): void {
    const { dir, onCrash, nowMs } = this.#options;
    for (const { file, fingerprint, changedAtMs } of reportsIn(dir)) {
      const path = join(dir, file);
      // Nearly always nothing is new, and then nothing is read.
      if (this.#changedAtMs.get(fingerprint) === changedAtMs) continue;
      this.#changedAtMs.set(fingerprint, changedAtMs);
      const report = readReport(path);
      if (report === undefined) continue;
      const known = this.#counts.get(fingerprint);
      this.#counts.set(fingerprint, report.count);
      const isNews = this.#hasLooked ? report.count > (known ?? 0) : nowMs() - changedAtMs < newsMs;
      if (isNews) onCrash(report, path);
    }
  }
}
