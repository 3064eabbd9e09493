import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { isAlive, isRunning, processStart, thisProcess } from './process-identity.ts';

test('this process is alive, and one of its pid that began at another time is not', t => {
  const me = thisProcess();
  assert.equal(isAlive(me), true);
  if (me.start === '') return t.skip('no /proc here');
  assert.equal(isAlive({ pid: me.pid, start: String(Number(me.start) - 1) }), false);
});

test('where the start is unknown the pid alone decides', () => {
  assert.equal(isAlive({ pid: process.pid, start: '' }), true);
  assert.equal(isAlive({ pid: 99_999_999, start: '' }), false);
});

test('a process that was killed is not alive any more, and has no start', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  const identity = { pid, start: processStart(pid) ?? '' };
  assert.equal(isAlive(identity), true);
  child.kill('SIGKILL');
  await once(child, 'close');
  assert.equal(isAlive(identity), false);
  assert.equal(isRunning(pid), false);
  assert.equal(processStart(pid), undefined);
});

test('a process that has ended and was not collected is not alive', { skip: process.platform !== 'linux' }, async t => {
  // The shell starts a child that ends at once, and never waits for it.
  const shell = spawn('sh', ['-c', 'sh -c "exit 0" & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => shell.kill('SIGKILL'));
  const [text] = (await once(shell.stdout, 'data')) as [Buffer];
  const pid = Number(text.toString());
  const deadline = performance.now() + 5000;
  while (processStart(pid) !== undefined && performance.now() < deadline) {
    await new Promise(resolve => setImmediate(resolve));
  }
  assert.equal(isAlive({ pid, start: '' }), false);
});
