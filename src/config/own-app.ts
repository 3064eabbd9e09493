/** Which processes of a PM2 daemon are ours. It may be the user's own and run anything else, also another Deci. */
import { realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

export const namespace = 'deci-backend';
export const controlName = 'deci-control';

const names: ReadonlySet<string> = new Set(['deci-blue', 'deci-green', controlName]);

export interface AppFacts {
  readonly name: string;
  readonly namespace: string;
  readonly errorFile: string;
}

/** @param output the folder in which the apps of this installation write: no other installation has the same */
export function isOwnApp(app: AppFacts, output: string): boolean {
  if (app.namespace !== namespace || !names.has(app.name)) return false;
  return app.errorFile !== '' && realPath(dirname(app.errorFile)) === realPath(output);
}

/** The same folder may be known under two names. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
