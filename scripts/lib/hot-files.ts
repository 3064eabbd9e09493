/** What the processes shared while they ran. Memory is not given back by itself: a stop takes it away. */
import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hotFolderCandidates } from '../../src/storage/hot-folder.ts';

/** Only what is ours by name: the folder may be one that a user chose. */
const ours = /^(?:hot(?:[.-].*)?|metrics-.*\.(?:bin|tmp))$/;

/** Called when none of our processes lives; what cannot be removed is no reason for a stop to fail. */
export function removeHotFiles(places: { readonly hotDir: string | undefined; readonly runDir: string }): void {
  for (const dir of hotFolderCandidates(places)) {
    try {
      for (const name of readdirSync(dir)) if (ours.test(name)) rmSync(join(dir, name), { force: true });
      rmdirSync(dir);
    } catch {
      // It was never made, is not ours, or holds something else.
    }
  }
}
