import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { dailyDecision, type WallClock, wallClock } from './daily-schedule.ts';

const hour = 60;

function clockOf(zone: string): (time: number) => WallClock {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'short',
    hourCycle: 'h23',
  });
  return time => {
    const [day = '', clock = ''] = format.format(time).split(', ');
    const [hours, minutes] = clock.split(':').map(Number);
    return { day, minutes: (hours ?? 0) * hour + (minutes ?? 0) };
  };
}

/** Looks once a minute, as a control process that never dies. @returns the days for which it ran, with the time of each */
function runsOf(at: number, clocks: readonly WallClock[], known?: string): Array<{ day: string; minutes: number }> {
  const runs: Array<{ day: string; minutes: number }> = [];
  let lastDay = known;
  for (const clock of clocks) {
    const decision = dailyDecision(at, clock, lastDay);
    if (decision.do === 'wait') continue;
    lastDay = decision.day;
    if (decision.do === 'run') runs.push({ day: decision.day, minutes: clock.minutes });
  }
  return runs;
}

const changes = [
  ['Europe/Berlin', '2026-03-29'],
  ['Europe/Berlin', '2026-10-25'],
  ['America/New_York', '2026-03-08'],
  ['America/New_York', '2026-11-01'],
  ['Australia/Lord_Howe', '2026-04-05'],
  ['Australia/Lord_Howe', '2026-10-04'],
  // At midnight: a day without its first hour, and one whose last hour comes twice.
  ['America/Havana', '2026-03-08'],
  ['America/Havana', '2026-11-01'],
  ['America/Sao_Paulo', '2018-11-04'],
  ['Asia/Kolkata', '2026-03-29'],
  // A day that was left out altogether.
  ['Pacific/Apia', '2011-12-30'],
] as const;

test('around every change of the clock: once for each day that there is, and not before its time', () => {
  for (const [zone, date] of changes) {
    const clockAt = clockOf(zone);
    const middle = Date.parse(`${date}T12:00:00Z`);
    const clocks = Array.from({ length: 7 * 24 * 60 }, (_, index) => clockAt(middle + (index - 84 * 60) * 60_000));
    const days = [...new Set(clocks.map(({ day }) => day))].slice(1, -1);
    for (const at of [0, 0.5, 1.5, 2, 2.5, 3, 12, 23, 23.5].map(hours => hours * hour)) {
      const runs = runsOf(at, clocks);
      const what = `${zone} ${date} at ${at}`;
      const inside = runs.map(({ day }) => day).filter(day => days.includes(day));
      assert.deepEqual(inside, days, what);
      for (const { minutes } of runs)
        assert.ok(minutes >= at ? minutes - at <= hour : minutes + 1440 - at <= hour, what);
    }
  }
});

test('the hour that is left out: in the one behind it; the hour that comes twice: in the first', () => {
  const at = 2 * hour;
  const spring = clockOf('Europe/Berlin');
  const minutesFrom = (time: string, clockAt: (time: number) => WallClock): WallClock[] =>
    Array.from({ length: 4 * 60 }, (_, index) => clockAt(Date.parse(time) + index * 60_000));
  assert.deepEqual(runsOf(at, minutesFrom('2026-03-29T00:00:00Z', spring), '2026-03-28'), [
    { day: '2026-03-29', minutes: 3 * hour },
  ]);
  const autumn = minutesFrom('2026-10-24T23:00:00Z', spring);
  assert.equal(autumn.filter(({ minutes }) => minutes === at).length, 2);
  assert.deepEqual(runsOf(at, autumn, '2026-10-24'), [{ day: '2026-10-25', minutes: at }]);
});

test('a clock that is set back finds the day done; one that is set ahead runs once for the day it says', () => {
  const at = 2 * hour;
  const clocks: WallClock[] = [
    { day: '2026-05-05', minutes: at },
    { day: '2026-05-05', minutes: at - 90 },
    { day: '2026-05-05', minutes: at },
    { day: '2026-05-04', minutes: at },
    { day: '2026-05-05', minutes: at + 10 },
    { day: '2026-05-06', minutes: at + 5 },
  ];
  assert.deepEqual(
    runsOf(at, clocks, '2026-05-04').map(({ day }) => day),
    ['2026-05-05', '2026-05-06'],
  );
});

test('a clock that was years ahead keeps nobody from the days that follow', () => {
  const at = 2 * hour;
  const clocks: WallClock[] = [
    { day: '2026-05-05', minutes: at + 1 },
    { day: '2026-05-06', minutes: at },
  ];
  assert.deepEqual(
    runsOf(at, clocks, '2031-01-01').map(({ day }) => day),
    ['2026-05-06'],
  );
});

test('who was away at the time catches up within two hours, across midnight too, and not in the day', () => {
  const at = 23.5 * hour;
  assert.deepEqual(dailyDecision(at, { day: '2026-05-06', minutes: 89 }, '2026-05-04'), {
    do: 'run',
    day: '2026-05-05',
  });
  assert.deepEqual(dailyDecision(at, { day: '2026-05-06', minutes: 90 }, '2026-05-04'), { do: 'wait' });
  assert.deepEqual(dailyDecision(120, { day: '2026-05-06', minutes: 600 }, '2026-05-04'), { do: 'wait' });
});

test('what was never done has nothing to catch up with: it waits for its next time', () => {
  assert.deepEqual(dailyDecision(120, { day: '2026-05-06', minutes: 121 }, undefined), {
    do: 'remember',
    day: '2026-05-06',
  });
  assert.deepEqual(dailyDecision(120, { day: '2026-05-06', minutes: 10 }, undefined), {
    do: 'remember',
    day: '2026-05-05',
  });
  assert.deepEqual(dailyDecision(120, { day: '2026-05-06', minutes: 120 }, '2026-05-05'), {
    do: 'run',
    day: '2026-05-06',
  });
});

test('the clock on the wall is that of the zone in which the process runs', () => {
  const file = new URL('daily-schedule.ts', import.meta.url).href;
  const code = `import { wallClock } from ${JSON.stringify(file)};
    console.log(JSON.stringify(wallClock(new Date('2026-03-29T01:30:00Z'))));`;
  const clocks = ['Europe/Berlin', 'America/New_York', 'UTC'].map(zone => {
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      env: { TZ: zone },
      encoding: 'utf8',
    });
    return JSON.parse(stdout) as WallClock;
  });
  assert.deepEqual(clocks, [
    { day: '2026-03-29', minutes: 210 },
    { day: '2026-03-28', minutes: 21 * hour + 30 },
    { day: '2026-03-29', minutes: 90 },
  ]);
  assert.deepEqual(wallClock(new Date(2026, 0, 5, 0, 7)), { day: '2026-01-05', minutes: 7 });
});
