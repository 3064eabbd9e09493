/** Whether one may read along: asked once at a time, not too often, and never left open. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Approach } from './approach.ts';

const never = new AbortController().signal;
const forever = new Promise<void>(() => undefined);

test('one that is refused is asked again, but not at once, and not while a question is under way', async () => {
  let nowMs = 0;
  const asked: Array<PromiseWithResolvers<string | undefined>> = [];
  const approach = new Approach<string>({
    ask: () => {
      const question = Promise.withResolvers<string | undefined>();
      asked.push(question);
      return question.promise;
    },
    signal: never,
    clock: () => nowMs,
  });
  approach.begin();
  nowMs = 10_000;
  approach.begin();
  assert.equal(asked.length, 1, 'it is under way');
  asked[0]?.reject(new Error('not yet'));
  await turn();
  approach.begin();
  nowMs += 100;
  approach.begin();
  assert.equal(asked.length, 2, 'once in a while');
  asked[1]?.resolve(undefined);
  assert.equal(await approach.wait(turn()), undefined);
  nowMs += 1000;
  approach.begin();
  const waiting = approach.wait(forever);
  asked[2]?.resolve('joined');
  assert.equal(await waiting, 'joined');
});

test('who needs it no longer ends the question, and so does whoever leaves', async () => {
  for (const end of ['give up', 'leave'] as const) {
    const leaving = new AbortController();
    let seen: AbortSignal | undefined;
    const approach = new Approach<string>({
      ask: async signal => {
        seen = signal;
        await forever;
        return undefined;
      },
      signal: leaving.signal,
      clock: () => 0,
    });
    approach.begin();
    assert.equal(seen?.aborted, false);
    if (end === 'leave') leaving.abort();
    else approach.giveUp();
    assert.equal(seen?.aborted, true, end);
  }
});
