import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findAmong, virtualModel } from '../../test/support/model-policy.ts';
import { chainComplaint, chainOf, maxSteps } from './fallback-chain.ts';

const chain = (name: string, find: ReturnType<typeof findAmong>): string[] =>
  chainOf(name, find).map(({ model }) => model);

test('a chain is the model, then each fallback with its own behind it, none twice', () => {
  const find = findAmong(
    virtualModel('a', 'm1', { fallbacks: ['b', 'm3'] }),
    virtualModel('b', 'm2', { fallbacks: ['m3', 'm4'] }),
  );
  assert.deepEqual(chain('A:latest', find), ['m1', 'm2', 'm3', 'm4']);
  assert.deepEqual(chain('m9', find), ['m9']);
});

test('one that shadows a real model reaches it as its base, and is not asked for again', () => {
  const find = findAmong(virtualModel('llama', 'llama', { fallbacks: ['other'] }));
  assert.deepEqual(chain('llama', find), ['llama', 'other']);
});

test('a chain ends, whatever stands in the store', () => {
  const loop = findAmong(virtualModel('a', 'm', { fallbacks: ['b'] }), virtualModel('b', 'n', { fallbacks: ['a'] }));
  assert.deepEqual(chain('a', loop), ['m', 'n']);
  const long = findAmong(
    ...Array.from({ length: 30 }, (_, i) => virtualModel(`v${i}`, `m${i}`, { fallbacks: [`v${i + 1}`] })),
  );
  assert.equal(chain('v0', long).length, maxSteps);
  assert.match(chainComplaint(virtualModel('x', 'm', { fallbacks: ['v0'] }), long) ?? '', /at most 8 are asked/);
});

test('what would lead back to itself is refused, over any number of steps', () => {
  const find = findAmong(
    virtualModel('b', 'm', { fallbacks: ['c'] }),
    virtualModel('c', 'm', { fallbacks: ['a:latest'] }),
  );
  assert.match(chainComplaint(virtualModel('a', 'm', { fallbacks: ['b'] }), find) ?? '', /"b" leads back to "a"/);
  assert.match(chainComplaint(virtualModel('a', 'm', { fallbacks: ['a'] }), find) ?? '', /leads back/);
  assert.equal(chainComplaint(virtualModel('d', 'm', { fallbacks: ['b'] }), find), undefined);
});

test('a base is a model of the hosts', () => {
  const find = findAmong(virtualModel('b', 'm'), virtualModel('shadow', 'shadow'));
  assert.match(chainComplaint(virtualModel('a', 'b'), find) ?? '', /base "b" is a virtual model/);
  assert.equal(chainComplaint(virtualModel('a', 'shadow'), find), undefined);
  assert.equal(chainComplaint(virtualModel('b', 'b'), find), undefined);
});
