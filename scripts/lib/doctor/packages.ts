/** What npm has installed against what package-lock.json says. */
import { plural } from '../describe.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  readonly link?: boolean;
}

/** The part of a lock file that matters, and of npm's own note on what it has installed. */
export interface Lock {
  readonly packages?: Readonly<Record<string, LockedPackage>>;
}

const installAgain = 'Run npm ci.';
const named = 3;

/** @param versionOf of the package in a folder such as `node_modules/express`; undefined when it is not there */
export function judgePackages(lock: Lock, installed: Lock, versionOf: (path: string) => string | undefined): Finding {
  const locked = new Map(
    Object.entries(lock.packages ?? {}).filter(([path, { link }]) => path !== '' && link !== true),
  );
  const present = new Map(Object.entries(installed.packages ?? {}).filter(([, { link }]) => link !== true));
  if (locked.size === 0)
    return fail('package-lock.json names no packages', 'Restore package-lock.json, then run npm ci.');
  const missing = [...locked].filter(([path, entry]) => !present.has(path) && isNeeded(entry)).map(([path]) => path);
  const other = [...present].filter(([path, entry]) => differs(entry, locked.get(path))).map(([path]) => path);
  // The note may be right and the folder gone: of the packages at the top, which we import, each is looked at.
  const broken = [...present]
    .filter(([path, { version }]) => /^node_modules\/(?:@[^/]+\/)?[^/]+$/.test(path) && versionOf(path) !== version)
    .map(([path]) => path);
  if (missing.length > 0) return fail(`not installed: ${some(missing)}`, installAgain);
  if (other.length > 0) return fail(`not as in package-lock.json: ${some(other)}`, installAgain);
  if (broken.length > 0) return fail(`damaged in node_modules: ${some(broken)}`, installAgain);
  const extra = [...present.keys()].filter(path => !locked.has(path));
  if (extra.length > 0) return warn(`not in package-lock.json: ${some(extra)}`, installAgain);
  return ok(`${plural(present.size, 'package')} as in package-lock.json`);
}

/** A production install leaves out what only development needs, and every install what is for other systems. */
function isNeeded({ dev, devOptional, optional }: LockedPackage): boolean {
  return dev !== true && devOptional !== true && optional !== true;
}

function differs(entry: LockedPackage, locked: LockedPackage | undefined): boolean {
  return locked !== undefined && (entry.version !== locked.version || entry.integrity !== locked.integrity);
}

function some(paths: readonly string[]): string {
  const names = paths.slice(0, named).map(path => path.replace(/^.*node_modules\//, ''));
  return paths.length > named ? `${names.join(', ')} and ${paths.length - named} more` : names.join(', ');
}
