import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Episode, Healer, HealerMode } from './healer.ts';
import { HealerRunner } from './healer-runner.ts';
import type { JournalRecord, Outcome } from './record.ts';

interface Rig {
  readonly healer: { episodes: Episode[]; looks: number };
  readonly settings: { mode: HealerMode };
  readonly journal: { events: string[]; known: number | undefined };
  readonly clock: { ms: number };
  /** Lets the healer look `count` times. */
  look(count?: number): Promise<void>;
}

async function rig(t: TestContext, budget = { actions: 3, windowMs: 60_000 }, actionMs = 1000): Promise<Rig> {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const state = { episodes: [] as Episode[], looks: 0 };
  const settings = { mode: 'on' as HealerMode };
  const clock = { ms: 1_000_000 };
  const journal = { events: [] as string[], known: 0 as number | undefined };
  const healer: Healer = {
    info: { name: 'test', repairs: 'what the test breaks', risk: 'none', budget },
    intervalMs: 100,
    actionMs,
    detect: () => {
      state.looks += 1;
      return state.episodes;
    },
  };
  const runner = new HealerRunner({
    healers: [healer],
    journal: {
      open: async draft => {
        journal.events.push(`open ${draft.target}`);
        return { ...draft, id: 'id', time: '', result: null, duration_ms: null, requests_affected: null };
      },
      complete: async (record: JournalRecord, { result }: Outcome) => {
        journal.events.push(`${result} ${record.target}`);
      },
      countSince: async () => journal.known,
    },
    modeOf: async () => settings.mode,
    now: () => new Date(clock.ms),
    random: () => 0.5,
    log: { warn: () => undefined, error: () => undefined },
    onHealed: () => undefined,
  });
  await runner.start();
  await settle();
  t.after(() => runner.stop());
  return {
    healer: state,
    settings,
    journal,
    clock,
    async look(count = 1) {
      for (let i = 0; i < count; i++) {
        t.mock.timers.tick(100);
        await settle();
      }
    },
  };
}

/** Lets every promise that is ready go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve));
}

function episode(target: string, act?: Episode['act']): Episode {
  return {
    trigger: { signal: 'broken', value: 1, threshold: 0 },
    decision: 'it is broken',
    action: 'mend',
    target,
    act: act ?? (async () => ({ result: 'healed', requests_affected: 0 })),
  };
}

test('the record is open before the action, and completed after it', async t => {
  const { healer, journal, look } = await rig(t);
  healer.episodes = [
    episode('a', async () => {
      journal.events.push('act a');
      healer.episodes = [];
      return { result: 'healed', requests_affected: 2 };
    }),
  ];
  await look(2);
  assert.deepEqual(journal.events, ['open a', 'act a', 'healed a']);
});

test('off does not even look', async t => {
  const { healer, settings, look } = await rig(t);
  settings.mode = 'off';
  const { looks } = healer;
  await look(3);
  assert.equal(healer.looks, looks);
});

test('a dry run tells an episode once as long as it goes on, and does nothing', async t => {
  const { healer, settings, journal, look } = await rig(t);
  settings.mode = 'dry_run';
  let acted = 0;
  const broken = episode('a', async () => {
    acted += 1;
    return { result: 'healed', requests_affected: 0 };
  });
  healer.episodes = [broken];
  await look(3);
  assert.deepEqual(journal.events, ['open a', 'dry_run a']);
  healer.episodes = [];
  await look();
  healer.episodes = [broken];
  await look();
  assert.deepEqual(journal.events, ['open a', 'dry_run a', 'open a', 'dry_run a']);
  assert.equal(acted, 0);
});

test('above its budget a healer only tells, once an episode, until the window has passed', async t => {
  const { healer, journal, clock, look } = await rig(t);
  healer.episodes = [episode('a')];
  await look(6);
  const acted = ['open a', 'healed a', 'open a', 'healed a', 'open a', 'healed a'];
  assert.deepEqual(journal.events, [...acted, 'open a', 'suppressed a']);
  clock.ms += 61_000;
  await look();
  assert.deepEqual(journal.events.slice(-2), ['open a', 'healed a']);
});

test('what an earlier action took is given back above the budget too, and not in a dry run', async t => {
  const { healer, settings, journal, look } = await rig(t, { actions: 1, windowMs: 60_000 });
  journal.known = 7;
  healer.episodes = [{ ...episode('a'), isOwed: true }];
  await look();
  assert.deepEqual(journal.events, ['open a', 'healed a']);
  settings.mode = 'dry_run';
  await look();
  assert.deepEqual(journal.events.slice(2), ['open a', 'dry_run a']);
});

test('what the journal knows of an earlier life counts for the budget', async t => {
  const { healer, journal, look } = await rig(t);
  journal.known = 3;
  healer.episodes = [episode('a')];
  await look();
  assert.deepEqual(journal.events, ['open a', 'suppressed a']);
});

test('an action that fails, or takes too long, is told as without effect, and the loop goes on', async t => {
  const { healer, journal, look } = await rig(t, { actions: 9, windowMs: 60_000 }, 50);
  healer.episodes = [
    episode('a', async () => {
      throw new Error('no');
    }),
    episode('b', () => new Promise(() => undefined)),
  ];
  await look();
  t.mock.timers.tick(50);
  await settle();
  assert.deepEqual(journal.events, ['open a', 'no_effect a', 'open b', 'no_effect b']);
  healer.episodes = [episode('c')];
  await look();
  assert.deepEqual(journal.events.slice(-1), ['healed c']);
});

test('an action that does not help is tried again later and later, and its pause ends with the episode', async t => {
  const { healer, journal, clock, look } = await rig(t, { actions: 99, windowMs: 60_000 });
  healer.episodes = [episode('a', async () => ({ result: 'no_effect', requests_affected: 0 }))];
  const tries = (): number => journal.events.filter(event => event === 'no_effect a').length;
  await look(5);
  assert.equal(tries(), 1);
  clock.ms += 1000;
  await look(5);
  assert.equal(tries(), 2);
  clock.ms += 1000;
  await look(5);
  assert.equal(tries(), 2, 'the second pause is longer');
  clock.ms += 1000;
  await look(5);
  assert.equal(tries(), 3);
  const broken = healer.episodes;
  healer.episodes = [];
  await look();
  healer.episodes = broken;
  await look();
  assert.equal(tries(), 4);
});

test('one that has to wait for its turn is neither told nor counted, and gives it back when it has ended', async t => {
  const { healer, journal, look } = await rig(t, { actions: 1, windowMs: 60_000 });
  let isTaken = true;
  const turns: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const waiting: Episode = {
    ...episode('server', async () => {
      await promise;
      return { result: 'healed', requests_affected: 0 };
    }),
    takeTurn: () => {
      if (isTaken) return undefined;
      turns.push('taken');
      return () => turns.push('given back');
    },
  };
  healer.episodes = [waiting];
  await look(10);
  assert.deepEqual(journal.events, []);
  isTaken = false;
  await look();
  assert.deepEqual([journal.events, turns], [['open server'], ['taken']]);
  resolve();
  await settle();
  assert.deepEqual(
    [journal.events, turns],
    [
      ['open server', 'healed server'],
      ['taken', 'given back'],
    ],
  );
});

test('one that is left alone is told of it, also for an episode of the same kind with another record', async t => {
  const { healer, settings, journal, look } = await rig(t);
  settings.mode = 'dry_run';
  const leftAlone: string[] = [];
  for (const id of ['first', 'second']) {
    healer.episodes = [{ ...episode('worker'), id, onLeftAlone: () => leftAlone.push(id) }];
    await look();
  }
  assert.deepEqual([leftAlone, journal.events.length], [['first', 'second'], 4]);
  settings.mode = 'on';
  healer.episodes = [{ ...episode('worker'), id: 'third', onLeftAlone: () => leftAlone.push('third') }];
  await look();
  assert.deepEqual([leftAlone, journal.events.at(-1)], [['first', 'second'], 'healed worker']);
});

test('an action that fails in a way that would be the same again is left for a minute at once', async t => {
  const tries = async (error: Error): Promise<number> => {
    let count = 0;
    const { healer, clock, look } = await rig(t, { actions: 100, windowMs: 600_000 });
    healer.episodes = [
      episode('a', async () => {
        count++;
        throw error;
      }),
    ];
    for (let second = 0; second < 59; second++) {
      clock.ms += 1000;
      await look();
    }
    t.mock.timers.reset();
    return count;
  };
  assert.ok((await tries(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))) >= 5);
  assert.equal(await tries(Object.assign(new Error('no right'), { code: 'EACCES' })), 1);
});
