/**
 * Runs a command where a folder is a tiny disk or cannot be written, in a mount namespace of its own: nothing of it is seen
 * outside, and nothing is left when the command is killed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** Of util-linux. */
const namespaces = 'unshare';

const scripts = {
  tiny: 'mount -t tmpfs -o size=1m tmpfs "$1" && shift && exec "$@"',
  read_only: 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"',
};

/** @returns why it cannot be done here, for the reason of a skipped test; undefined when it can */
export function strangeDiskObstacle(): string | undefined {
  const { status } = spawnSync(namespaces, ['--mount', 'true'], { stdio: 'ignore' });
  return status === 0 ? undefined : 'this user may not mount anything, not even in a namespace of its own';
}

/** @param code a module for Node; it finds the folder as `process.argv[1]` @returns what it printed */
export async function runOnStrangeDisk(kind: keyof typeof scripts, dir: string, code: string): Promise<string> {
  const mounting = ['--mount', '--propagation', 'private', 'sh', '-c', scripts[kind], 'sh', dir];
  const running = [process.execPath, '--input-type=module', '-e', code, dir];
  const child = spawn(namespaces, [...mounting, ...running], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [printed, [status]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (status !== 0) throw new Error(`ended with ${String(status)}: ${printed}`);
  return printed;
}
