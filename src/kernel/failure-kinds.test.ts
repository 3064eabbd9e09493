import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, errorCatalogue } from './error-catalogue.ts';
import { DeciError } from './errors.ts';
import {
  type FailureKind,
  failureKindOf,
  failureKinds,
  isTriedAgain,
  kindsByCode,
  kindsBySystemCode,
  pauseBehind,
  tellFailure,
} from './failure-kinds.ts';

test('the table of kinds, row by row, and no row more', () => {
  const table: ReadonlyArray<readonly [FailureKind, string, string]> = [
    ['connection', 'medium', 'retry'],
    ['upstream', 'medium', 'retry'],
    ['overload', 'medium', 'retry'],
    ['timeout', 'medium', 'fallback'],
    ['store', 'high', 'fallback'],
    ['request', 'low', 'skip'],
    ['cancelled', 'low', 'skip'],
    ['validation', 'high', 'skip'],
    ['authentication', 'high', 'human'],
    ['resource', 'critical', 'abort_and_shed'],
    ['unknown', 'medium', 'retry'],
  ];
  assert.deepEqual(
    Object.entries(failureKinds).map(([kind, { severity, strategy }]) => [kind, severity, strategy]),
    table,
  );
});

test('every code of the catalogue has a kind, and every kind something that is of it', () => {
  assert.deepEqual(Object.keys(kindsByCode).toSorted(), Object.keys(errorCatalogue).toSorted());
  const used = new Set<string>([...Object.values(kindsByCode), ...Object.values(kindsBySystemCode)]);
  assert.deepEqual(
    Object.keys(failureKinds).filter(kind => !used.has(kind)),
    [],
  );
});

test('a mistake of the caller is told with a 4xx, and nobody else is told with one', () => {
  for (const code of Object.keys(errorCatalogue) as ErrorCode[]) {
    const { status, fault } = errorCatalogue[code];
    if (code === 'unknown_transfer_encoding') continue;
    const isCallers = ['request', 'cancelled'].includes(kindsByCode[code]) && fault !== 'ollama';
    assert.equal(isCallers, status >= 400 && status < 500 && status !== 429, code);
  }
});

test('a refusal of a model server is judged by its status', () => {
  const refused = (status: number): FailureKind => failureKindOf(new DeciError('upstream_refused', { status }));
  assert.deepEqual([400, 401, 403, 404, 429, 500, 502, 503].map(refused), [
    'request',
    'authentication',
    'authentication',
    'request',
    'overload',
    'upstream',
    'upstream',
    'overload',
  ]);
});

const system = (code: string): Error => Object.assign(new Error(code), { code });

test('what wraps a failure does not hide its kind', () => {
  assert.equal(failureKindOf(new Error('fetch failed', { cause: system('ECONNREFUSED') })), 'connection');
  assert.equal(failureKindOf(new TypeError('fetch failed', { cause: system('ECONNRESET') })), 'connection');
  assert.equal(failureKindOf(new DeciError('internal', { cause: system('ENOSPC') })), 'resource');
  assert.equal(failureKindOf(new DeciError('upstream_unreachable', { cause: system('EMFILE') })), 'resource');
  const itself = Object.assign(new Error('full'), { toDeciError: () => new DeciError('store_full') });
  assert.equal(failureKindOf(itself), 'resource');
});

test('faults of ours are told from what nobody foresaw', () => {
  assert.equal(failureKindOf(new TypeError('x is not a function')), 'validation');
  assert.equal(failureKindOf(new Error('exit code 1')), 'unknown');
  assert.equal(failureKindOf('a word'), 'unknown');
  assert.equal(failureKindOf(AbortSignal.abort().reason), 'cancelled');
});

test('a chain of causes without end is given up', () => {
  const error = new Error('round');
  error.cause = error;
  assert.equal(failureKindOf(error), 'unknown');
});

test('only what may work the next time is tried again', () => {
  const again = (Object.keys(failureKinds) as FailureKind[]).filter(isTriedAgain);
  assert.deepEqual(again, ['connection', 'upstream', 'overload', 'timeout', 'store', 'unknown']);
});

test('a loop waits longer behind what would fail again, within a bound', () => {
  assert.equal(pauseBehind(system('ECONNREFUSED'), 1000), 1000);
  assert.equal(pauseBehind(system('ENOSPC'), 1000), 2000);
  assert.equal(pauseBehind(new TypeError('x'), 1000), 4000);
  assert.equal(pauseBehind(system('EACCES'), 1000), 4000);
  assert.equal(pauseBehind(new TypeError('x'), 300_000), 600_000);
  assert.equal(pauseBehind(new TypeError('x'), 86_400_000), 86_400_000);
});

test('what needs somebody is an error in the log, what heals by itself a warning', () => {
  const told: unknown[] = [];
  const log = {
    warn: (message: string, fields?: object) => told.push(['warn', message, fields]),
    error: (message: string, fields?: object) => told.push(['error', message, fields]),
  };
  tellFailure(log, 'no', system('ECONNREFUSED'), { task: 'a' });
  tellFailure(log, 'no', system('EACCES'));
  assert.deepEqual(told, [
    ['warn', 'no', { task: 'a', cause: 'Error: ECONNREFUSED', kind: 'connection', strategy: 'retry' }],
    ['error', 'no', { cause: 'Error: EACCES', kind: 'authentication', strategy: 'human' }],
  ]);
});
