/**
 * Writes down how this process ends, while it ends: at once, without waiting for anything, and without ever making it worse. Owner:
 * the entry of each process.
 */

import { keepReport, noteHandledLate } from './crash-folder.ts';
import { buildReport, type CrashKind, type CrashSurroundings, causeOf, type InFlight } from './crash-report.ts';
import { secretsOf } from './redact.ts';

/** What only the process itself knows. */
export interface EndSurroundings {
  readonly in_flight: readonly InFlight[];
  readonly event_loop: CrashSurroundings['event_loop'];
  readonly last_lines: readonly string[];
}

export interface CrashReporterOptions {
  readonly dir: string;
  readonly version: string;
  /** Which process speaks, for example `deci-blue`. */
  readonly source: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** May throw: what it is about may be what is broken. */
  readonly surroundings: () => EndSurroundings | undefined;
}

export class CrashReporter {
  readonly #options: CrashReporterOptions;

  constructor(options: CrashReporterOptions) {
    this.#options = options;
  }

  /** @returns the path of the report; undefined when it could not be written. Never throws. */
  report(kind: CrashKind, thrown: unknown): string | undefined {
    const { dir, env } = this.#options;
    try {
      const what = { kind, cause: causeOf(thrown), time: new Date() };
      return keepReport(dir, buildReport(what, this.#surroundings(), secretsOf(env)));
    } catch {
      // A disk that takes no report keeps nobody from ending.
      return undefined;
    }
  }

  /** That a rejection was handled after all is known for as long as the process is still there. Never throws. */
  handledLate(path: string): void {
    try {
      noteHandledLate(path);
    } catch {
      // It is a note.
    }
  }

  #surroundings(): CrashSurroundings {
    const { version, source } = this.#options;
    const known = this.#known();
    return {
      version,
      source,
      pid: process.pid,
      uptime_s: Math.round(process.uptime()),
      in_flight: known?.in_flight ?? null,
      memory: { ...process.memoryUsage() },
      event_loop: known?.event_loop ?? null,
      last_lines: known?.last_lines ?? [],
      handles: countsOf(process.getActiveResourcesInfo()),
    };
  }

  #known(): EndSurroundings | undefined {
    try {
      return this.#options.surroundings();
    } catch {
      return undefined;
    }
  }
}

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
