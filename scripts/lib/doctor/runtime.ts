/** Whether what runs the scripts, and the packages it needs, are those that belong to this checkout. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import { type Check, type Finding, fail, ok, warn } from './finding.ts';
import { judgePackages, type Lock } from './packages.ts';

const oldest = 24;
const installAgain = 'Run npm ci.';

export interface Runtime {
  readonly version: string;
  /** The version that package.json names. */
  readonly carried: string | undefined;
  readonly isCarried: boolean;
  readonly path: string;
}

export function runtimeChecks(
  checkout: string,
  { execPath, version }: Pick<NodeJS.Process, 'execPath' | 'version'>,
): Check[] {
  return [
    { group: 'Runtime', name: 'node', look: () => judgeNode(readRuntime(checkout, execPath, version)) },
    { group: 'Runtime', name: 'packages', look: () => lookAtPackages(checkout) },
    { group: 'Runtime', name: 'pm2', look: () => lookAtPm2(checkout) },
  ];
}

export function judgeNode({ version, carried, isCarried, path }: Runtime): Finding {
  if (Number(version.split('.')[0]) < oldest) {
    return fail(
      `${version} (${path}), which is too old`,
      `Run npm ci with optional packages, or install Node ${oldest} or newer.`,
    );
  }
  if (!isCarried) {
    const fix = 'Nothing has to be done; npm ci with optional packages brings the Node that the project is tested on.';
    return warn(`${version} of the system (${path}), not the ${carried ?? 'one'} that the project carries`, fix);
  }
  if (version !== carried) return fail(`${version}, but package.json names ${carried ?? 'none'}`, installAgain);
  return ok(`${version}, carried by the project`);
}

function readRuntime(checkout: string, execPath: string, version: string): Runtime {
  const manifest = readJson(join(checkout, 'package.json')) as { optionalDependencies?: Record<string, string> };
  const carried = Object.entries(manifest.optionalDependencies ?? {}).find(([name]) =>
    name.startsWith('node-linux-'),
  )?.[1];
  const modules = join(checkout, 'node_modules');
  const isCarried = existsSync(modules) && realpathSync(execPath).startsWith(realpathSync(modules) + sep);
  return { version: version.replace(/^v/, ''), carried, isCarried, path: execPath };
}

function lookAtPackages(checkout: string): Finding {
  const hidden = join(checkout, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return fail('node_modules was not made by npm, or not completely', installAgain);
  const lock = readJson(join(checkout, 'package-lock.json')) as Lock;
  return judgePackages(lock, readJson(hidden) as Lock, path => {
    const manifest = join(checkout, path, 'package.json');
    return existsSync(manifest) ? (readJson(manifest) as { version?: string }).version : undefined;
  });
}

function lookAtPm2(checkout: string): Finding {
  const root = join(checkout, 'node_modules', 'pm2');
  if (!existsSync(join(root, 'bin', 'pm2'))) return fail('PM2 is not installed', installAgain);
  return ok((readJson(join(root, 'package.json')) as { version: string }).version);
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
