/** A fake Ollama as a process of its own: for what strikes a whole process, such as being frozen. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { checkout } from './start-cluster.ts';

export interface HostProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

export async function startHost({ tokens, tokenMs }: { tokens: number; tokenMs: number }): Promise<HostProcess> {
  const options = [
    '--port',
    '0',
    '--num-parallel',
    '4',
    '--tokens',
    `${tokens}`,
    '--token-ms',
    `${tokenMs}`,
    '--quiet',
  ];
  const child: ChildProcess = spawn(process.execPath, ['test/fake-ollama/main.ts', ...options], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.ok(child.stdout !== null && child.pid !== undefined);
  const exited = once(child, 'exit');
  const [url] = await once(createInterface(child.stdout), 'line');
  const dispose = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  return { url: String(url), pid: child.pid, [Symbol.asyncDispose]: dispose };
}
