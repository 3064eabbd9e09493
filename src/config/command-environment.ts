/** What the `deci` command takes from the environment: where the server is, who asks, and how to print. */
import type { Environment } from './config.ts';

export interface CommandEnvironment {
  readonly url: string | undefined;
  /** A secret: never printed, never passed on. */
  readonly key: string | undefined;
  readonly keyFile: string | undefined;
  /** False with NO_COLOR, and on a terminal that cannot. */
  readonly colourAllowed: boolean;
}

/** An empty value counts as absent. These are of the person who calls, not of the server: the `.env` has no part in them. */
export function readCommandEnvironment(exported: Environment = process.env): CommandEnvironment {
  const given = (name: string): string | undefined => exported[name]?.trim() || undefined;
  return {
    url: given('DECI_URL'),
    key: given('DECI_KEY'),
    keyFile: given('DECI_KEY_FILE'),
    colourAllowed: !exported['NO_COLOR'] && exported['TERM'] !== 'dumb',
  };
}
