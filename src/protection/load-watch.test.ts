import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadReading, LoadStage } from './load-stage.ts';
import { LoadWatch } from './load-watch.ts';

function setUp(mayBe: (stage: LoadStage) => LoadStage = stage => stage) {
  const seen: Array<LoadReading & { stage: LoadStage }> = [];
  let activeMs = 10_000;
  let idleMs = 0;
  let delayMs = 0;
  const watch = new LoadWatch({
    limits: { shedAt: 0.95, delayMs: 500 },
    sample: () => ({ activeMs, idleMs, delayMs }),
    effects: {
      apply: async (stage, reading) => {
        seen.push({ stage, ...reading });
        return mayBe(stage);
      },
    },
    refresh: async () => undefined,
    random: () => 0.5,
    onFailure: assert.ifError,
  });
  const look = async (second: { busyMs?: number; late?: number; lastsMs?: number }): Promise<LoadStage> => {
    const { busyMs = 10, late = 1, lastsMs = 1000 } = second;
    activeMs += busyMs;
    idleMs += lastsMs - busyMs;
    delayMs = late;
    await watch.look();
    return watch.stage;
  };
  const looks = async (count: number, second: Parameters<typeof look>[0]): Promise<LoadStage> => {
    for (let each = 0; each < count; each++) await look(second);
    return watch.stage;
  };
  return { watch, look, looks, seen };
}

test('before a whole window was seen nothing is said, however busy the start is', async () => {
  const { looks, look, seen } = setUp();
  await looks(5, { busyMs: 1000, late: 3000 });
  assert.deepEqual(seen, []);
  assert.equal(await look({ busyMs: 1000, late: 3000 }), 'interactive');
});

test('one long pause is no load', async () => {
  const { looks, look, seen } = setUp();
  await looks(6, {});
  assert.equal(await look({ busyMs: 4000, late: 4000, lastsMs: 4100 }), 'normal');
  await looks(6, {});
  assert.ok(seen.every(({ stage }) => stage === 'normal'));
});

test('delay that stays for most of five seconds is load, and is over a few seconds behind its end', async () => {
  const { looks, watch } = setUp();
  await looks(6, {});
  assert.equal(await looks(2, { late: 1200 }), 'normal');
  assert.equal(await looks(1, { late: 1200 }), 'batch');
  assert.equal(watch.isOptionalAllowed, false);
  assert.equal(await looks(3, {}), 'background');
  assert.equal(await looks(2, {}), 'normal');
  assert.equal(watch.isOptionalAllowed, true);
});

test('utilisation is that of the window, not of the life of the process', async () => {
  const { looks, watch } = setUp();
  await looks(20, {});
  await looks(5, { busyMs: 960 });
  assert.equal(watch.stage, 'lean');
  assert.equal(Math.round(watch.reading.utilisation * 100), 96);
  assert.equal(await looks(5, { busyMs: 990 }), 'background');
});

test('what may not be done is not done, and found all the same', async () => {
  const { looks, seen, watch } = setUp(() => 'normal');
  await looks(8, { late: 9000 });
  assert.equal(seen.at(-1)?.stage, 'interactive');
  assert.equal(watch.stage, 'normal');
  assert.equal(watch.isOptionalAllowed, true);
});
