/**
 * Compiles what the processes of a cluster load, once, before they are started: else each of them would strip and compile all of
 * it for itself, side by side, and keep what that took (20 MB each) for as long as it lives. Nothing depends on it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compileCacheDir, compileCacheLoader } from '../../src/config/ecosystem.ts';

/** What an entry loads only when it begins its work. */
const loadedLater = ['src/app/create-worker.ts', 'src/app/create-control.ts'];
const entries = ['src/main.ts', 'src/control.ts'];
const limitMs = 20_000;

/** @param version of the release: what was compiled for it is compiled */
export async function warmCode(checkout: string, runDir: string, version: string): Promise<void> {
  const dir = compileCacheDir(runDir);
  const stamp = join(dir, 'warm');
  const facts = `${version} ${process.version}\n`;
  if (contentOf(stamp) === facts) return;
  const imports = loadedLater.map(file => `await import(${JSON.stringify(pathToFileURL(join(checkout, file)).href)});`);
  const runs = [
    ['--input-type=module', '--eval', imports.join('\n')],
    ...entries.map(file => [join(checkout, file), '--version']),
  ];
  const done = await Promise.all(
    runs.map(args => runNode([`--import=${compileCacheLoader(checkout, runDir)}`, ...args])),
  );
  if (!done.every(Boolean)) return;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeFileSync(stamp, facts, { mode: 0o600 });
}

async function runNode(args: readonly string[]): Promise<boolean> {
  try {
    const child = spawn(process.execPath, args, { stdio: 'ignore', signal: AbortSignal.timeout(limitMs) });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code === 0;
  } catch {
    return false;
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
