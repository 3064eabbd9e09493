import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attemptDeps } from '../../test/support/attempt-deps.ts';
import { testAsker } from '../../test/support/test-asker.ts';
import { DeciError, type DeciErrorDetails } from '../kernel/errors.ts';
import type { AttemptDeps } from './attempts.ts';
import { withAttempts } from './attempts.ts';
import { type Admission, Placing } from './placing.ts';

const never = new AbortController().signal;
const target = { model: 'm', embeds: false };

type Answer = 'ok' | DeciError;

/** Asks hosts for which a slot is taken and given back; everything that happens is told in order. */
function setUp(
  answers: Record<string, Answer>,
  options: { readonly full?: string; readonly failures?: number; readonly having?: string } = {},
) {
  const told: string[] = [];
  const waits: number[] = [];
  const now = { ms: 0 };
  const inventoryOf = (name: string) => ({
    has: () => (options.having === undefined ? undefined : options.having === name),
  });
  const hosts = ['a', 'b'].map(name => ({ name, inventory: inventoryOf(name) }));
  const deps: AttemptDeps = attemptDeps(['a', 'b'], {
    nowMs: () => now.ms,
    breakers: { limits: { failures: options.failures ?? 100, resetMs: 60_000 } },
  });
  const admission: Admission = {
    enter: async ({ hosts: names, group, maxWaitMs = 0 }) => {
      waits.push(maxWaitMs);
      now.ms += 1000;
      const host = names().find(name => name !== options.full);
      if (host === undefined) throw new DeciError('queue_full');
      told.push(`${host} taken (${group})`);
      return {
        host,
        waitedMs: 0,
        leave: () => void told.push(`${host} left`),
        observe: () => undefined,
        overloaded: () => undefined,
      };
    },
  };
  const pool = {
    candidates: (_: unknown, tried?: readonly string[]) => hosts.filter(({ name }) => tried?.includes(name) !== true),
    nobody: () => new DeciError('upstream_unreachable'),
  };
  const run = (): Promise<string> =>
    withAttempts(deps, target, never, async plan => {
      const placing = new Placing<{ readonly name: string }>(
        { hosts: pool, admission },
        { model: 'm', body: '', asker: testAsker },
        plan,
      );
      for (;;) {
        const { host, place } = await placing.next(never);
        const answer = answers[host.name] ?? 'ok';
        place.leave();
        if (answer === 'ok') {
          plan.pass.succeeded();
          return host.name;
        }
        if (answer.code !== 'model_not_found' && answer.code !== 'upstream_unreachable') throw answer;
        placing.passOver(host, answer);
      }
    });
  return { run, told, waits, board: deps.board };
}

const refused = (details: DeciErrorDetails = {}): DeciError =>
  new DeciError('upstream_refused', { status: 500, ...details });
const open = (board: AttemptDeps['board'], host: string): void =>
  board.countFailure(host, 'upstream_broken', { tried: false, isAnswered: false, source: {} });

test('an attempt that fails gives its slot back, and the next takes one of another host', async () => {
  const { run, told } = setUp({ a: refused() });
  assert.equal(await run(), 'b');
  assert.deepEqual(told, ['a taken (m:latest)', 'a left', 'b taken (m:latest not a)', 'b left']);
});

test('each host that is waited for takes its part of the time of the request, within one attempt as well', async () => {
  const { run, waits } = setUp({ a: new DeciError('upstream_unreachable') });
  assert.equal(await run(), 'b');
  assert.deepEqual(waits, [60_000, 59_000]);
});

test('another host is waited for rather than that the one that failed is asked again', async () => {
  const { run, told } = setUp({ a: refused() }, { full: 'b' });
  await assert.rejects(run(), { code: 'queue_full' });
  assert.deepEqual(told, ['a taken (m:latest)', 'a left']);
});

test('a host that was silent is not asked again, even when the other one fails', async () => {
  const { run, told } = setUp({ a: new DeciError('first_token_timeout'), b: refused() });
  await assert.rejects(run(), { code: 'upstream_refused' });
  assert.deepEqual(
    told.filter(event => event.includes('taken')).map(event => event.slice(0, 1)),
    ['a', 'b', 'b'],
  );
});

test('a host whose breaker is open gets no slot taken; when all are open, nobody waits in line', async () => {
  const { run, told, board } = setUp({}, { failures: 1 });
  open(board, 'a');
  assert.equal(await run(), 'b');
  assert.deepEqual(told, ['b taken (m:latest)', 'b left']);
  open(board, 'b');
  await assert.rejects(run(), { code: 'upstream_resting' });
  assert.equal(told.length, 2);
});

test('one that is left alone may have the model that the others do not have', async () => {
  const missing = new DeciError('model_not_found');
  const { run, board } = setUp({ b: missing }, { failures: 1 });
  await assert.doesNotReject(run());
  open(board, 'a');
  await assert.rejects(run(), { code: 'upstream_resting' });
  const none = setUp({ a: missing, b: missing });
  await assert.rejects(none.run(), { code: 'model_not_found' });
});

test('a model is not missing when one that is known to have it cannot be dialled', async () => {
  const answers = { a: new DeciError('upstream_unreachable'), b: new DeciError('model_not_found') };
  await assert.rejects(setUp(answers, { having: 'a' }).run(), { code: 'upstream_unreachable' });
  await assert.rejects(setUp(answers).run(), { code: 'model_not_found' });
});

test('that there was no slot is nobody’s failure, and is not tried again', async () => {
  const { run, board, told } = setUp({ a: new DeciError('upstream_unreachable') }, { full: 'b', failures: 2 });
  await assert.rejects(run(), { code: 'queue_full' });
  assert.equal(told.filter(event => event.includes('taken')).length, 1);
  assert.ok(board.list().every(({ state }) => state.is === 'closed'));
});
