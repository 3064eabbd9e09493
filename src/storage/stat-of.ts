import { type Stats, statSync } from 'node:fs';

/** @returns undefined where there is nothing @throws what the system says of everything else */
export function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
