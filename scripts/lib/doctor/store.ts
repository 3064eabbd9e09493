/** Whether the store is ours, whole, of a version that this code can use, and nobody else's to read. */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sizeText } from './disk.ts';
import { type Check, type Finding, fail, ok, warn } from './finding.ts';
import { octal } from './folders.ts';
import type { StoreFacts } from './store-probe.ts';

/** What a store of ours says about itself. */
export interface StoreForm {
  readonly applicationId: number;
  readonly newestVersion: number;
}

export const storeGroup = 'Store';

const group = storeGroup;
const probePath = fileURLToPath(new URL('store-probe.ts', import.meta.url));
/** Before the deadline of a check, so that the words are ours. */
const probeLimitMs = 4500;
const largeLogBytes = 256 * 1024 ** 2;
const restore =
  'Stop Deci and restore the file from a backup; keep the damaged one aside, or move it away to begin with an empty one.';

/** @param form without it, only whether the file is whole */
export function storeChecks(path: string, form?: StoreForm): Check[] {
  return [
    { group, name: 'file', look: () => lookAtFile(path) },
    { group, name: 'content', look: async signal => lookAtContent(path, form, signal) },
  ];
}

function lookAtFile(path: string): Finding {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return ok(`${path} (made at the first start)`);
  if (!stats.isFile()) return fail(`${path} is not a file`, restore);
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  return judgeFile(path, stats, log?.size ?? 0);
}

export function judgeFile(path: string, { mode, size }: { mode: number; size: number }, logBytes: number): Finding {
  if ((mode & 0o077) !== 0) return fail(`${path} can be read by others (mode ${octal(mode)})`, `chmod 600 ${path}*`);
  const detail = `${sizeText(size)}, write-ahead log ${sizeText(logBytes)}`;
  if (logBytes <= largeLogBytes) return ok(detail);
  return warn(detail, 'Something reads without end, and the log cannot be taken in: npm stop and npm start.');
}

async function lookAtContent(path: string, form: StoreForm | undefined, signal: AbortSignal): Promise<Finding> {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return ok('nothing to look into');
  const options = { signal, timeout: probeLimitMs, killSignal: 'SIGKILL' } as const;
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [probePath, path], options);
    return judgeContent(JSON.parse(stdout) as StoreFacts, form);
  } catch (error) {
    const { killed, stderr, message } = error as Error & { killed?: boolean; stderr?: string };
    if (killed === true)
      return warn('too large, or too busy, to be checked in time', 'Check it again at a quiet hour.');
    return fail(stderr?.trim() || message, restore);
  }
}

export function judgeContent(
  { applicationId, userVersion, quickCheck }: StoreFacts,
  form: StoreForm | undefined,
): Finding {
  if (quickCheck !== 'ok') return fail(`damaged: ${quickCheck}`, restore);
  if (form === undefined) return ok(`whole, version ${userVersion}`);
  if (applicationId !== form.applicationId) {
    return fail(
      `another program's database (application id ${applicationId})`,
      'Move it away, or set DATA_DIR to another folder.',
    );
  }
  if (userVersion > form.newestVersion) {
    const detail = `version ${userVersion}, written by a newer Deci (this one knows up to ${form.newestVersion})`;
    return fail(detail, 'Run the newer release, or restore the backup from before the update.');
  }
  const pending = userVersion < form.newestVersion ? `, brought to ${form.newestVersion} at the next start` : '';
  return ok(`whole, version ${userVersion}${pending}`);
}
