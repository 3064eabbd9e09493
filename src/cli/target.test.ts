import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CommandEnvironment } from '../config/command-environment.ts';
import { readCommandEnvironment } from '../config/command-environment.ts';
import { type Config, readConfig } from '../config/config.ts';
import { CommandFailure } from '../kernel/exit-codes.ts';
import { resolveTarget } from './target.ts';

const key = `deci_${'ab'.repeat(32)}`;
const other = `deci_${'cd'.repeat(32)}`;

interface Home {
  readonly dir: string;
  readonly load: (env?: Record<string, string>) => () => Config;
}

function home(t: TestContext, content?: string, mode = 0o600): Home {
  const dir = mkdtempSync(join(tmpdir(), 'deci-target-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'data'));
  mkdirSync(join(dir, 'run'));
  if (content !== undefined) {
    writeFileSync(join(dir, 'data', 'admin-key'), content);
    chmodSync(join(dir, 'data', 'admin-key'), mode);
  }
  return {
    dir,
    load:
      (env = {}) =>
      () =>
        readConfig({ DECI_HOME: dir, ...env }, '/opt/deci'),
  };
}

function given(env: Record<string, string> = {}): CommandEnvironment {
  return readCommandEnvironment(env);
}

const unused = (): never => assert.fail('the configuration is not needed');

function failure(work: () => unknown): CommandFailure {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof CommandFailure, String(error));
    assert.ok(!error.message.includes(key) && !error.message.includes('hunter2'));
    return error;
  }
  throw new Error('it did not fail');
}

test('with URL and key given, no configuration is read', () => {
  const target = resolveTarget(given({ DECI_URL: 'https://deci.example/base/', DECI_KEY: ` ${other} ` }), unused);
  assert.deepEqual(target, { url: 'https://deci.example/base', key: other });
});

test('the key of this machine goes to servers of this machine only', t => {
  const { load } = home(t, `${key}\n`);
  for (const url of ['http://127.0.0.1:3001', 'http://localhost:1', 'http://[::1]:1']) {
    assert.deepEqual(resolveTarget(given({ DECI_URL: url }), load()), { url, key });
  }
  assert.equal(resolveTarget(given({ DECI_URL: 'http://10.0.0.5:3001' }), unused).key, undefined);
});

test('the local server is the one that runs, else the configured one; a wildcard is called by loopback', t => {
  const { dir, load } = home(t);
  assert.deepEqual(resolveTarget(given(), load()), { url: 'http://127.0.0.1:3001', key: undefined });
  assert.equal(resolveTarget(given(), load({ HOST: '::', PORT: '4000' })).url, 'http://[::1]:4000');
  assert.equal(failure(() => resolveTarget(given(), load({ PORT: 'auto' }))).exitCode, 3);
  const state = { url: 'http://0.0.0.0:4567', live: 'blue', pm2_home: '/x', pids: [] };
  writeFileSync(join(dir, 'run', 'state.json'), JSON.stringify(state));
  assert.equal(resolveTarget(given(), load({ PORT: 'auto' })).url, 'http://127.0.0.1:4567');
});

test('a key file that others can read is refused with the command that closes it', t => {
  const { dir, load } = home(t, key, 0o640);
  const path = join(dir, 'data', 'admin-key');
  const { message, exitCode } = failure(() => resolveTarget(given(), load()));
  assert.deepEqual([message, exitCode], [`${path} is open to others (mode 0640): close it with chmod 600 ${path}.`, 3]);
  assert.equal(
    failure(() => resolveTarget(given({ DECI_KEY_FILE: path, DECI_URL: 'http://x.example' }), unused)).message,
    message,
  );
  chmodSync(path, 0o600);
  assert.equal(resolveTarget(given({ DECI_KEY_FILE: path, DECI_URL: 'http://x.example' }), unused).key, key);
});

test('a file that holds no key is not sent', t => {
  for (const content of ['', 'two words', 'a\nb', 'x'.repeat(10_000), 'ключ']) {
    const { load } = home(t, content);
    assert.match(failure(() => resolveTarget(given(), load())).message, /does not hold a key/, content.slice(0, 20));
  }
  const { dir, load } = home(t);
  mkdirSync(join(dir, 'data', 'admin-key'), { mode: 0o700 });
  assert.match(failure(() => resolveTarget(given(), load())).message, /The key cannot be read: EISDIR/);
});

test('DECI_KEY wins over every file; an empty one counts as absent', t => {
  const { load } = home(t, key);
  assert.equal(resolveTarget(given({ DECI_KEY: other }), load()).key, other);
  assert.equal(resolveTarget(given({ DECI_KEY: ' ', DECI_KEY_FILE: '' }), load()).key, key);
});

test('settings that cannot be used are exit 78, without their value', () => {
  for (const url of ['nonsense', 'ftp://x', 'http://admin:hunter2@x', 'http://x/?a=hunter2']) {
    const { exitCode, message } = failure(() => resolveTarget(given({ DECI_URL: url }), unused));
    assert.deepEqual([exitCode, message.startsWith('DECI_URL: expected')], [78, true]);
  }
  assert.equal(
    failure(() => resolveTarget(given({ DECI_URL: 'http://x', DECI_KEY: 'hunter2 two' }), unused)).exitCode,
    78,
  );
  const missing = given({ DECI_URL: 'http://x', DECI_KEY_FILE: '/nowhere/key' });
  assert.equal(failure(() => resolveTarget(missing, unused)).message, 'DECI_KEY_FILE: /nowhere/key does not exist.');
});

test('colours are off with NO_COLOR and on a dumb terminal', () => {
  assert.deepEqual(
    [{}, { NO_COLOR: '1' }, { TERM: 'dumb' }, { NO_COLOR: '' }].map(env => given(env).colourAllowed),
    [true, false, false, true],
  );
});
