/** The `deci` command as a process of its own, for tests of it. */
import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import { FakeDeciApi, testKey } from './fake-deci-api.ts';
import { checkout } from './start-cluster.ts';

interface Running {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly out: () => string;
  readonly err: () => string;
  readonly code: Promise<number | null>;
}

export async function startApi(t: TestContext): Promise<FakeDeciApi> {
  const api = await new FakeDeciApi().start();
  t.after(() => api.stop());
  return api;
}

export function run(
  t: TestContext,
  api: Pick<FakeDeciApi, 'url'>,
  args: readonly string[],
  more: Record<string, string> = {},
): Running {
  const env = { PATH: process.env['PATH'] ?? '', DECI_URL: api.url, DECI_KEY: testKey, ...more };
  const child = spawn(process.execPath, [join(checkout, 'src', 'cli.ts'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text.out += part;
  });
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    text.err += part;
  });
  const code = once(child, 'close').then(([exitCode]) => exitCode as number | null);
  t.after(() => child.kill('SIGKILL'));
  return { child, out: () => text.out, err: () => text.err, code };
}

export async function ended(
  t: TestContext,
  api: Pick<FakeDeciApi, 'url'>,
  ...args: string[]
): Promise<[number | null, string, string]> {
  const running = run(t, api, args);
  const code = await running.code;
  assert.ok(!`${running.out()}${running.err()}`.includes(testKey), 'the key is never printed');
  return [code, running.out(), running.err()];
}
