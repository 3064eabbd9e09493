/** What this machine lacks says nothing of a server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import type { WithoutFiles } from '../support/no-files-left.ts';
import { checkout } from '../support/start-cluster.ts';

test('a process without a file left to connect with calls no server down', { timeout: 30_000 }, async t => {
  const fake = await startFakeOllama();
  t.after(() => fake.stop());
  const script = `ulimit -n 80; exec ${process.execPath} test/support/no-files-left.ts ${fake.url}`;
  const { stdout } = await promisify(execFile)('sh', ['-c', script], { cwd: checkout, timeout: 25_000 });
  const told: WithoutFiles = { code: 'EMFILE', failure: 'shortage', refused: [], state: 'unknown' };
  assert.deepEqual(JSON.parse(stdout), told);
});
