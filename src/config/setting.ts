/** What is said of a setting. */
import type { ValueType } from './value-types.ts';

export interface Setting<T> {
  readonly type: ValueType<T>;
  /** The default as a user would type it; `undefined` when the setting may be absent. */
  readonly default?: string;
  readonly meaning: string;
  readonly group:
    | 'Serving'
    | 'Ollama'
    | 'Time limits'
    | 'Failing hosts'
    | 'Sizes and memory'
    | 'Cache'
    | 'Who may ask'
    | 'Places'
    | 'Logs';
  /** A secret is never printed, and may be read from the file that `<NAME>_FILE` names. */
  readonly secret?: boolean;
}
