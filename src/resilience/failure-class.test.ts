import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, errorCatalogue } from '../kernel/error-catalogue.ts';
import { DeciError } from '../kernel/errors.ts';
import { failureKindOf, isTriedAgain } from '../kernel/failure-kinds.ts';
import { classifyFailure, type FailureClass, failureRules } from './failure-class.ts';

/** Class, tried again, also on the same host, whose breaker counts it. */
const table: ReadonlyArray<readonly [FailureClass, boolean, boolean, string]> = [
  ['unreachable', true, true, 'host'],
  ['shortage', true, true, 'nobody'],
  ['resting', true, true, 'nobody'],
  ['broken', true, true, 'host'],
  ['busy', true, true, 'nobody'],
  ['invalid', true, true, 'host'],
  ['truncated', true, true, 'model'],
  ['failed', true, true, 'model'],
  ['server_error', true, true, 'model'],
  ['first_token_timeout', true, false, 'both'],
  ['stall_timeout', true, false, 'both'],
  ['total_timeout', false, false, 'nobody'],
  ['model_missing', false, false, 'nobody'],
  ['client_error', false, false, 'nobody'],
  ['client_gone', false, false, 'nobody'],
  ['ours', false, false, 'nobody'],
];

test('the table of failures, row by row, and no row more', () => {
  for (const [failure, retry, sameHost, blame] of table) {
    const rule = failureRules[failure];
    assert.deepEqual([rule.retry, rule.sameHost, rule.blame], [retry, sameHost, blame], failure);
  }
  assert.deepEqual(Object.keys(failureRules).toSorted(), table.map(([failure]) => failure).toSorted());
});

test('what is tried again is what the strategy of its kind tries again; a shortage of ours is over in a moment', () => {
  const others = (Object.keys(failureRules) as FailureClass[]).filter(
    failure => failureRules[failure].retry !== isTriedAgain(failureRules[failure].kind),
  );
  assert.deepEqual(others, ['shortage']);
});

test('a code is of the same kind for a retry as for any loop', () => {
  for (const code of Object.keys(errorCatalogue) as ErrorCode[]) {
    const failure = classifyFailure(new DeciError(code), false);
    if (failure === 'ours') continue;
    assert.equal(failureRules[failure].kind, failureKindOf(new DeciError(code)), code);
  }
});

test('only what cannot have reached a host costs no budget', () => {
  const free = Object.entries(failureRules).filter(([, { budgeted }]) => !budgeted);
  assert.deepEqual(
    free.map(([failure]) => failure),
    ['unreachable', 'resting'],
  );
});

test('errors of the model server have a class of their own, all others are ours or the client’s', () => {
  for (const code of Object.keys(errorCatalogue) as ErrorCode[]) {
    const failure = classifyFailure(new DeciError(code), false);
    const { fault } = errorCatalogue[code];
    assert.equal(failure === 'ours', fault !== 'ollama' && !['client_closed', 'model_not_found'].includes(code), code);
  }
});

test('a host that could not be dialled because we have no file left for it is not to blame', () => {
  const cause = Object.assign(new Error('x'), { code: 'EMFILE' });
  for (const code of ['upstream_broken', 'upstream_unreachable'] as const) {
    assert.equal(classifyFailure(new DeciError(code, { cause }), false), 'shortage');
  }
});

const refused = (status: number, message: string, embeds = false): FailureClass =>
  classifyFailure(new DeciError('upstream_refused', { status, message }), embeds);

test('a refusal is judged by its status', () => {
  assert.equal(refused(400, 'does not support thinking'), 'client_error');
  assert.equal(refused(401, 'unauthorized'), 'client_error');
  assert.equal(refused(429, 'slow down'), 'busy');
  assert.equal(refused(503, 'server busy, please try again.  maximum pending requests exceeded'), 'busy');
  assert.equal(refused(500, 'llama runner process has terminated: exit status 2'), 'server_error');
});

test('a 400 of an embedding is a failure where its words are those of a runner that died', () => {
  for (const message of [
    'do embedding request: Post "http://127.0.0.1:39127/v1/embeddings": EOF',
    'do embedding request: Post "http://127.0.0.1:1/embedding": dial tcp 127.0.0.1:1: connect: connection refused',
    'llama runner process has terminated: signal: killed',
    'CUDA error: out of memory',
  ]) {
    assert.equal(refused(400, message, true), 'server_error', message);
    assert.equal(refused(400, message, false), 'client_error', message);
  }
  for (const message of [
    'invalid input type',
    'the input length exceeds the context length',
    '"llama3.2" does not support embeddings',
    'missing request body',
  ]) {
    assert.equal(refused(400, message, true), 'client_error', message);
  }
});
