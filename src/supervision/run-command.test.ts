import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../../test/support/until.ts';
import { environmentForPrograms } from '../config/environment.ts';
import { runCommand } from './run-command.ts';

const path = process.env['PATH'] ?? '';
const shell = (text: string, env?: Record<string, string>) => ({
  file: '/bin/sh',
  args: ['-c', text],
  env: { PATH: path, ...env },
});
const never = new AbortController().signal;

test('a command tells its exit code and what it wrote, and sees what it is given', async () => {
  const result = await runCommand(shell('echo "$WHO"; echo bad >&2; exit 3', { WHO: 'a; echo b' }), never);
  assert.equal(result.code, 3);
  assert.deepEqual(result.output.trim().split('\n').toSorted(), ['a; echo b', 'bad']);
});

test('of what is exported here it sees nothing that it was not given', async t => {
  process.env['DECI_TEST_SECRET'] = 'hidden';
  t.after(() => delete process.env['DECI_TEST_SECRET']);
  const given = environmentForPrograms({ ...process.env, HOME: '/home/me', API_KEYS_FILE: '/keys', PM2_HOME: '/pm2' });
  const { output } = await runCommand(shell('env', { ...given, DECI_UPSTREAM: 'a:1' }), never);
  const names = output
    .trim()
    .split('\n')
    .map(line => line.split('=')[0] ?? '');
  assert.ok(
    ['PATH', 'HOME', 'PM2_HOME', 'DECI_UPSTREAM'].every(name => names.includes(name)),
    output,
  );
  const may =
    /^(?:PATH|HOME|USER|LANG|XDG_RUNTIME_DIR|DBUS_SESSION_BUS_ADDRESS|PM2_HOME|DECI_UPSTREAM|PWD|OLDPWD|SHLVL|_)$/;
  assert.deepEqual(
    names.filter(name => !may.test(name)),
    [],
  );
});

test('of an endless output the beginning is kept', async () => {
  const { output } = await runCommand(shell('head -c 1000000 /dev/zero | tr "\\0" x'), never);
  assert.equal(output.length, 64 * 1024);
});

test('at its deadline it is killed with all it started', { timeout: 10_000 }, async () => {
  const deadline = new AbortController();
  const running = runCommand(shell('sleep 60 & echo $!; wait'), deadline.signal);
  const timer = setTimeout(() => deadline.abort(), 300);
  const { code, output } = await running;
  clearTimeout(timer);
  assert.equal(code, undefined);
  const pid = Number(output.trim());
  assert.ok(pid > 0);
  await until('what it started has ended', () => isZombie(pid), 5000);
});

test('what it leaves in the background lives on, and nobody waits for it', { timeout: 10_000 }, async t => {
  const deadline = new AbortController();
  const { code, output } = await runCommand(shell('sleep 300 & echo $!; exit 4'), deadline.signal);
  const pid = Number(output.trim());
  t.after(() => process.kill(pid, 'SIGKILL'));
  assert.equal(code, 4);
  deadline.abort();
  process.kill(pid, 0);
  assert.equal(isZombie(pid), false);
});

test('what goes on writing in the background is not ended by that', { timeout: 10_000 }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'deci-command-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [go, done] = [join(folder, 'go'), join(folder, 'done')];
  // Twice as much as a pipe holds.
  const writes = `head -c 200000 /dev/zero && head -c 200000 /dev/zero >&2 && echo written > ${done}.new && mv ${done}.new ${done}`;
  const { code } = await runCommand(shell(`mkfifo ${go}; (read line < ${go}; ${writes}) &`), never);
  assert.equal(code, 0);
  writeFileSync(go, 'now\n');
  await until('all is written', () => existsSync(done), 5000);
  assert.equal(readFileSync(done, 'utf8'), 'written\n');
});

function isZombie(pid: number): boolean {
  try {
    return /^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

test('a program that does not exist is told, not thrown', async () => {
  const { code, output } = await runCommand({ file: '/nowhere/program', args: [] }, never);
  assert.equal(code, undefined);
  assert.match(output, /ENOENT/);
});
