/**
 * Which healers are on, as the store says at this moment; as it said last, while the store is away. Until it has said
 * something nobody knows which were switched off: they then only say what they would do, but for those that protect what works and
 * undo it by themselves, whose owner may let them act.
 */
import type { HealerMode } from './healer.ts';

export interface HealerSettings {
  /** By the name of the healer; one that nobody has set is not in it. */
  all(): Promise<ReadonlyMap<string, HealerMode>>;
}

export class HealerModes {
  readonly #settings: HealerSettings;
  #known: ReadonlyMap<string, HealerMode> | undefined;

  constructor(settings: HealerSettings) {
    this.#settings = settings;
  }

  /** A healer that nobody set is on. @param unread the mode while the store has never been read */
  async of(name: string, unread: HealerMode = 'dry_run'): Promise<HealerMode> {
    try {
      this.#known = await this.#settings.all();
    } catch {
      // What was decided stays in force.
    }
    return this.#known === undefined ? unread : (this.#known.get(name) ?? 'on');
  }
}
