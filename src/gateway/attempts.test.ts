import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attemptDeps } from '../../test/support/attempt-deps.ts';
import type { ErrorCode } from '../kernel/error-catalogue.ts';
import { DeciError } from '../kernel/errors.ts';
import { withAttempts } from './attempts.ts';

const hosts = ['a', 'b'];
const settings = { maxAttempts: 3, baseMs: 1, capMs: 1 };

/** What the client is told when the hosts fail like this, one after the other. */
async function toldOf(...codes: readonly ErrorCode[]): Promise<unknown> {
  let number = 0;
  const deps = attemptDeps(hosts, { settings });
  for (let earned = 0; earned < 30; earned++) deps.budget.earn();
  const attempts = withAttempts(deps, { model: 'm', embeds: false }, new AbortController().signal, async plan => {
    plan.order(hosts.map(name => ({ name })));
    plan.enter(hosts[number % 2] ?? '');
    throw new DeciError(codes[number++] ?? 'internal');
  });
  return attempts.catch((error: unknown) => (error instanceof DeciError ? error.code : error));
}

test('where one host has failed with a model, another that has none does not make it one that is not there', async () => {
  assert.equal(await toldOf('upstream_broken', 'model_not_found'), 'upstream_broken');
  assert.equal(await toldOf('model_not_found'), 'model_not_found');
});
