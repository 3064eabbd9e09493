import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { exitCodes, ScriptFailure } from './exit-codes.ts';
import { endOrphans } from './shut-down.ts';

/** A process that has the socket and the command line of a worker, and tells on its exit how often it was asked to leave. */
async function orphan(t: TestContext, dir: string, state: string): Promise<ChildProcess> {
  const code = `
    const { createServer } = await import('node:http');
    let asked = 0;
    process.on('SIGINT', () => { asked++; setTimeout(() => process.exit(10 + asked), 50); });
    const path = process.argv[1] + '/blue-' + process.pid + '.sock';
    const server = createServer((req, res) => {
      res.end(JSON.stringify({ state: ${JSON.stringify(state)} }));
      if (${JSON.stringify(state)} === 'draining') setTimeout(() => process.exit(10 + asked), 50);
    });
    server.listen(path, () => console.log('listens'));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, dir, 'main.ts'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  assert.ok(existsSync(join(dir, `blue-${child.pid}.sock`)));
  return child;
}

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'deci-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('workers without a daemon are waited for, and only those that stay are asked to leave, once', async t => {
  const dir = folder(t);
  const [ready, draining] = [await orphan(t, dir, 'ready'), await orphan(t, dir, 'draining')];
  const codes = Promise.all([once(ready, 'exit'), once(draining, 'exit')]);
  assert.equal(await endOrphans(dir, 20_000), 2);
  assert.deepEqual(await codes, [
    [11, null],
    [10, null],
  ]);
});

test('a worker that does not end in time is told by its pid', async t => {
  const dir = folder(t);
  const stuck = await orphan(t, dir, 'ready');
  await assert.rejects(endOrphans(dir, 0), error => {
    assert.ok(error instanceof ScriptFailure);
    assert.equal(error.exitCode, exitCodes.failed);
    assert.match(error.message, new RegExp(`kill -9 ${stuck.pid} `));
    return true;
  });
});

test('without workers there is nothing to wait for', async t => {
  assert.equal(await endOrphans(folder(t), 20_000), 0);
});
