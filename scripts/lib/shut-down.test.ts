import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { controlIdentityPath } from '../../src/config/live-workers.ts';
import { processStart } from '../../src/kernel/process-identity.ts';
import { exitCodes, ScriptFailure } from './exit-codes.ts';
import type { Pm2Process } from './pm2-cli.ts';
import { deletions, endOrphans } from './shut-down.ts';

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
  assert.deepEqual(await endOrphans(dir, 20_000), { workers: 2, control: 0 });
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
  assert.deepEqual(await endOrphans(folder(t), 20_000), { workers: 0, control: 0 });
});

/** A process that is written down as control, and answers on its socket if it is told to. */
async function orphanControl(t: TestContext, dir: string, how: 'answers' | 'ignores'): Promise<ChildProcess> {
  const code = `
    const { createServer } = await import('node:http');
    process.on('SIGINT', () => { if (process.argv[2] !== 'ignores') setTimeout(() => process.exit(11), 50); });
    const server = createServer((req, res) => res.end(JSON.stringify({ state: 'ready' })));
    server.listen(process.argv[1] + '/control.sock', () => console.log('listens'));`;
  rmSync(join(dir, 'control.sock'), { force: true });
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, dir, how], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  writeFileSync(controlIdentityPath(dir), `${child.pid} ${processStart(child.pid ?? 0) ?? ''}`);
  return child;
}

test('control without a daemon is asked to leave too, and told by its pid when it stays', async t => {
  const dir = folder(t);
  const leaving = once(await orphanControl(t, dir, 'answers'), 'exit');
  assert.deepEqual(await endOrphans(dir, 20_000), { workers: 0, control: 1 });
  assert.deepEqual(await leaving, [11, null]);
  const stuck = await orphanControl(t, dir, 'ignores');
  await assert.rejects(
    endOrphans(dir, 200),
    new RegExp(`^CommandFailure: control did not end in time: kill -9 ${stuck.pid} `),
  );
});

const app = (id: number, name: string, space = 'deci-backend'): Pm2Process => ({
  id,
  name,
  namespace: space,
  pid: 100 + id,
  status: 'online',
  restarts: 0,
  memoryBytes: 0,
  upSince: 0,
  errorFile: '',
});

test('what is deleted is named where the name is ours alone, and else numbered', () => {
  const own = [app(0, 'deci-blue'), app(1, 'deci-blue'), app(2, 'deci-control')];
  assert.deepEqual(deletions(own, own), [['deci-blue', 'deci-control']]);
  assert.deepEqual(deletions(own, [...own, app(7, 'deci-blue', 'default')]), [['deci-control'], ['0'], ['1']]);
  assert.deepEqual(deletions(own, [...own, app(7, 'api', 'deci-blue')]), [['deci-control'], ['0'], ['1']]);
});
