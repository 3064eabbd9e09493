/** The shape of everything that heals: it looks, says what it found and would do, and does it when the runner lets it. */
import type { Outcome, Trigger } from './record.ts';

export type HealerMode = 'on' | 'dry_run' | 'off';

/** How often a healer may act. Above it, what it finds is written down and left alone: a healer that loops is a fault too. */
export interface Budget {
  readonly actions: number;
  readonly windowMs: number;
}

/** One thing that is wrong now, and the way to put it right. */
export interface Episode {
  /** Of its record, where that was promised to somebody; made when the record is, if absent. */
  readonly id?: string;
  readonly trigger: Trigger;
  readonly decision: string;
  readonly action: string;
  /** Together with the action it names the episode: while it goes on it is told once. */
  readonly target: string;
  readonly ids?: readonly string[];
  /** It gives back what an earlier action took: the budget does not keep it. */
  readonly isOwed?: boolean;
  /**
   * Asked before it acts, where not all healers may act at once. One that has to wait has not acted: it is neither counted nor told.
   * @returns what gives the turn back once the action has ended; undefined while another has it
   */
  readonly takeTurn?: () => (() => void) | undefined;
  /** Told that nothing is done about it: a dry run, or a budget that is used up. */
  readonly onLeftAlone?: () => void;
  /** @throws when the action failed; the result is then `no_effect` */
  act(
    signal: AbortSignal,
  ): Promise<Pick<Outcome, 'requests_affected'> & { readonly result: 'healed' | 'no_effect' | 'worse' }>;
}

export interface HealerInfo {
  readonly name: string;
  /** What it repairs, in a sentence for its user. */
  readonly repairs: string;
  /** What it may get wrong. */
  readonly risk: string;
  readonly budget: Budget;
}

export interface Healer {
  readonly info: HealerInfo;
  readonly intervalMs: number;
  /** How long one action may take. */
  readonly actionMs: number;
  /** Looks only. @returns what is wrong now; empty nearly always */
  detect(signal: AbortSignal): readonly Episode[] | Promise<readonly Episode[]>;
}
