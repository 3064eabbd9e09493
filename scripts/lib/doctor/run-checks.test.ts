import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Check, ok, type Result, warn } from './finding.ts';
import { describe, exitCodeFor, verdictOf } from './report.ts';
import { runChecks } from './run-checks.ts';

function check(name: string, look: Check['look']): Check {
  return { group: 'G', name, look };
}

test('a check that throws, rejects or hangs is a failure of its own; the others are run all the same, in order', async () => {
  let hung: AbortSignal | undefined;
  const results = await runChecks(
    [
      check('throws', () => {
        throw new Error('EIO: the disk\nis \u001B[31mgone');
      }),
      check('rejects', async () => Promise.reject(new Error('no'))),
      check('hangs', async signal => {
        hung = signal;
        return new Promise(() => undefined);
      }),
      check('works', () => ok('fine')),
      check('warns', async () => warn('so so', 'do this')),
    ],
    50,
  );
  assert.deepEqual(
    results.map(({ name, status, detail }) => [name, status, detail]),
    [
      ['throws', 'fail', 'EIO: the disk is [31mgone'],
      ['rejects', 'fail', 'no'],
      ['hangs', 'fail', 'no result within 0.05 s'],
      ['works', 'ok', 'fine'],
      ['warns', 'warn', 'so so'],
    ],
  );
  assert.ok(results.every(({ status, fix }) => (status === 'ok') === (fix === undefined)));
  assert.equal(hung?.aborted, true);
});

const result = (status: Result['status'], more: Partial<Result> = {}): Result => ({
  group: 'G',
  name: 'n',
  status,
  detail: 'd',
  ...more,
});

test('the verdict is the worst result; warnings alone are exit 0, failures 3, a configuration that is not valid 78', () => {
  for (const [statuses, verdict, code] of [
    [['ok'], 'ok', 0],
    [['ok', 'warn'], 'warn', 0],
    [['warn', 'fail', 'ok'], 'fail', 3],
  ] as const) {
    const found = verdictOf(statuses.map(status => result(status)));
    assert.deepEqual([found.verdict, exitCodeFor(found, true), exitCodeFor(found, false)], [verdict, code, 78]);
  }
});

test('the report has one heading a group, one line a check, and the fix below what is wrong', () => {
  const results = [result('ok'), result('fail', { name: 'longer', fix: 'repair it' }), result('warn', { group: 'H' })];
  assert.deepEqual(describe(results, verdictOf(results, ['Store'])), [
    'G',
    '  ok    n       d',
    '  FAIL  longer  d',
    '                -> repair it',
    '',
    'H',
    '  warn  n       d',
    '',
    'Verdict  FAIL: 1 ok, 1 warn, 1 fail',
    'Not checked without a valid configuration: Store',
    '  FAIL  G, longer: d',
    '        -> repair it',
    '  warn  H, n: d',
  ]);
});
