import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConfigError } from './config.ts';
import { loadConfig } from './environment.ts';

function folder(t: TestContext, envFile?: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'deci-env-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  if (envFile !== undefined) writeFileSync(join(dir, '.env'), envFile);
  return dir;
}

function problemsIn(home: string, exported: Record<string, string> = {}): readonly string[] {
  try {
    loadConfig({ DECI_HOME: home, ...exported }, '/opt/deci');
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('what is exported wins over .env, and an exported empty value too', t => {
  const home = folder(t, 'PORT=4000\nDECI_WORKERS=3\nLOG_LEVEL=debug\n');
  const config = loadConfig({ DECI_HOME: home, PORT: '5000', LOG_LEVEL: '' }, '/opt/deci');
  assert.deepEqual([config.port, config.workers, config.logLevel], [5000, 3, 'info']);
});

test('without a DECI_HOME, or with an empty one, .env is that of the checkout', t => {
  const home = folder(t, 'PORT=4000\n');
  assert.equal(loadConfig({}, home).port, 4000);
  assert.equal(loadConfig({ DECI_HOME: ' ' }, home).port, 4000);
});

test('a byte order mark is no part of the first name', t => {
  assert.equal(loadConfig({ DECI_HOME: folder(t, '\uFEFFPORT=4000\n') }, '/opt/deci').port, 4000);
});

test('no .env, and a DECI_HOME that is still to be made, are no problem', t => {
  assert.deepEqual(problemsIn(folder(t)), []);
  assert.deepEqual(problemsIn(join(folder(t), 'later')), []);
});

test('a .env that is a folder is a problem of the configuration, told with the others', t => {
  const home = folder(t);
  mkdirSync(join(home, '.env'));
  const problems = problemsIn(home, { PORT: 'x' });
  assert.equal(problems[0], `.env: ${join(home, '.env')} cannot be read: it is a folder`);
  assert.match(problems[1] ?? '', /^PORT: expected/);
});

test('a DECI_HOME that is a file, or lies below one, is a problem of the configuration', t => {
  const file = join(folder(t, ''), '.env');
  for (const home of [file, join(file, 'below')]) {
    assert.deepEqual(problemsIn(home), [`DECI_HOME: ${home} is not a folder`]);
  }
});

test('a misspelled setting in .env is told; in the exported environment it may be of another program', t => {
  assert.deepEqual(problemsIn(folder(t, 'DECI_WORKER=4\nSOMETHING_ELSE=1\n')), [
    'DECI_WORKER: no such setting; did you mean DECI_WORKERS?',
  ]);
  assert.deepEqual(problemsIn(folder(t), { DECI_WORKER: '4' }), []);
});
