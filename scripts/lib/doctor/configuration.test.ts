import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../../src/config/config.ts';
import { examineConfiguration, judgeAccess, judgeNames } from './configuration.ts';

const load = (env: Record<string, string>) => () => readConfig(env, '/opt/deci', ['.env: /x cannot be read: why']);
const good = (env: Record<string, string>) => () => readConfig(env, '/opt/deci');

test('every mistake is a result of its own, named by its setting', () => {
  const { config, results } = examineConfiguration(load({ PORT: 'x', DECI_WORKERS: '0' }), {});
  assert.equal(config, undefined);
  assert.deepEqual(
    results.map(({ name, status }) => [name, status]),
    [
      ['.env', 'fail'],
      ['PORT', 'fail'],
      ['DECI_WORKERS', 'fail'],
    ],
  );
  assert.match(results[1]?.detail ?? '', /^expected auto, or a whole number/);
});

test('a valid configuration is handed on', () => {
  const { config, results } = examineConfiguration(good({ DECI_WORKERS: '3' }), {});
  assert.equal(config?.workers, 3);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['ok', 'ok', 'ok'],
  );
  assert.match(results[0]?.detail ?? '', /3 workers, 1 Ollama host/);
});

test('an exported name of ours that is misspelled is told; names of others and of the command are not', () => {
  assert.equal(judgeNames({ DECI_WORKER: '4' }).detail, 'DECI_WORKER: no such setting; did you mean DECI_WORKERS?');
  assert.equal(
    judgeNames({ PROT: '1', DECI_URL: 'x', DECI_KEY: 'x', DECI_KEY_FILE: 'x', DECI_COLOUR: 'blue' }).status,
    'ok',
  );
});

test('letting in anybody from other machines is a warning', () => {
  const access = (env: Record<string, string>): string => judgeAccess(good(env)()).status;
  assert.equal(access({}), 'ok');
  assert.equal(access({ HOST: '0.0.0.0' }), 'ok');
  assert.equal(access({ DECI_AUTH: 'off' }), 'ok');
  assert.equal(access({ HOST: '0.0.0.0', DECI_AUTH: 'off', DECI_AUTH_OFF_I_KNOW: '1' }), 'warn');
});
