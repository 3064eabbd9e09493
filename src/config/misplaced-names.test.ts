import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, linesWithoutName, misspelledNames, settingsNotYet } from './misplaced-names.ts';

test('a name one or two letters off a setting is told with the setting that was meant', () => {
  assert.deepEqual(misspelledNames(['DECI_WORKER', 'DEIC_WORKERS', 'OLLAMA_URL', 'port', 'PROT']), [
    'DECI_WORKER: no such setting; did you mean DECI_WORKERS?',
    'DEIC_WORKERS: no such setting; did you mean DECI_WORKERS?',
    'OLLAMA_URL: no such setting; did you mean OLLAMA_URLS?',
    'port: no such setting; did you mean PORT?',
    'PROT: no such setting; did you mean PORT?',
  ]);
});

test('settings, names of other programs and short words that are only similar are left alone', () => {
  const names = ['PORT', 'OLLAMA_HOST', 'RATE_LIMIT', 'AWS_SECRET_ACCESS_KEY', 'OLLAMA_MODELS', 'HOME', 'NODE_ENV', ''];
  assert.deepEqual(misspelledNames(names), []);
});

test('edits are letters added, left out, replaced, or swapped', () => {
  const pairs: ReadonlyArray<[string, string, number]> = [
    ['', '', 0],
    ['PORT', 'PORT', 0],
    ['PRT', 'PORT', 1],
    ['PORTS', 'PORT', 1],
    ['POST', 'PORT', 1],
    ['PROT', 'PORT', 1],
    ['', 'PORT', 4],
    ['HOME', 'HOST', 2],
  ];
  for (const [left, right, distance] of pairs) assert.equal(editDistance(left, right), distance, `${left} ${right}`);
});

test('a setting that would protect and does not exist yet is found, unless it is empty', () => {
  assert.deepEqual(settingsNotYet({ IP_ALLOW: '10.0.0.0/8', TLS_CERT: ' ', RATE_LIMIT: '' }), ['IP_ALLOW']);
  assert.deepEqual(settingsNotYet({ DECI_AUTH: 'off', PORT: '1' }), []);
});

test('lines of a .env that set nothing are told by their number, and values over several lines are not', () => {
  const text = '# a\n\nPORT=1\nexport HOST = x\nPORT 4000\nA="one\ntwo three"\nB=\'x\' # y\nsecret\n';
  assert.deepEqual(linesWithoutName(text, '/e/.env'), [
    '.env: line 5 of /e/.env is not NAME=value',
    '.env: line 9 of /e/.env is not NAME=value',
  ]);
});
