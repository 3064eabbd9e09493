/**
 * Warnings of Node and of libraries: counted all, logged when they are new and then at each power of ten, never fatal. Owner: the
 * composition root of each process.
 */
import type { Resource } from '../kernel/lifecycle.ts';
import { causeOf, fingerprintOf } from './crash-report.ts';

export interface ProcessWarning {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly fingerprint: string;
  /** How often this one came. */
  readonly count: number;
  readonly stack: readonly string[];
}

export interface ProcessWarningsOptions {
  readonly onWarning: (warning: Pick<ProcessWarning, 'name'>) => void;
  /** What is worth a line. */
  readonly onNews: (warning: ProcessWarning) => void;
}

/** Of different ones; those beyond share one count. */
const maxKinds = 100;

export class ProcessWarnings implements Resource {
  readonly name = 'process-warnings';
  readonly #options: ProcessWarningsOptions;
  readonly #counts = new Map<string, number>();

  constructor(options: ProcessWarningsOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    process.on('warning', this.#note);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    process.off('warning', this.#note);
    return Promise.resolve();
  }

  readonly #note = (warning: Error & { readonly code?: string }): void => {
    const cause = causeOf(warning);
    const own = fingerprintOf('warning', cause);
    const fingerprint = this.#counts.has(own) || this.#counts.size < maxKinds ? own : 'others';
    const count = (this.#counts.get(fingerprint) ?? 0) + 1;
    this.#counts.set(fingerprint, count);
    this.#options.onWarning(warning);
    if (Math.log10(count) % 1 === 0) this.#options.onNews({ ...cause, code: warning.code, fingerprint, count });
  };
}
