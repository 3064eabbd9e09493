/**
 * Whether a healer of a worker may act now, for code that cannot wait for the answer: looked up every so often, by whoever has
 * time. Owner: whoever heals.
 */
import type { HealerInfo, HealerMode } from '../journal/healer.ts';
import type { Journal } from '../journal/journal.ts';

export interface HealerLicenceOptions {
  readonly info: HealerInfo;
  readonly journal: Pick<Journal, 'countSince' | 'flush'>;
  readonly modeOf: (name: string) => Promise<HealerMode>;
  readonly nowMs: () => number;
}

const refreshMs = 2000;

export class HealerLicence {
  readonly #options: HealerLicenceOptions;
  #mode: HealerMode = 'on';
  #used = 0;
  #refreshedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: HealerLicenceOptions) {
    this.#options = options;
  }

  may(): HealerMode | 'suppressed' {
    if (this.#mode !== 'on') return this.#mode;
    return this.#used < this.#options.info.budget.actions ? 'on' : 'suppressed';
  }

  used(): void {
    this.#used++;
  }

  async refresh(): Promise<void> {
    const { info, journal, modeOf, nowMs } = this.#options;
    if (Math.abs(nowMs() - this.#refreshedAtMs) < refreshMs) return;
    this.#refreshedAtMs = nowMs();
    void journal.flush();
    this.#mode = await modeOf(info.name);
    const since = new Date(nowMs() - info.budget.windowMs);
    this.#used = (await journal.countSince(info.name, since)) ?? this.#used;
  }
}
