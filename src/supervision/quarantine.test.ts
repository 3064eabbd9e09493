/** Crash loops ended: when, what is stopped, how it is tried, and what a new control process goes on with. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CrashCount } from './crash-count.ts';
import { type AppPlace, type PlanFile, Quarantine, type QuarantinePlan } from './quarantine.ts';

const never = new AbortController().signal;

function file<Plan>(): PlanFile<Plan> & { content: Plan | undefined } {
  return {
    content: undefined,
    read() {
      return this.content;
    },
    write(plan) {
      this.content = plan;
    },
    remove() {
      this.content = undefined;
    },
  };
}

/** PM2 and time as a test has them: a worker is well or dies as it is told. */
class Machine {
  nowMs = 1_000_000;
  places: AppPlace[] = [
    { id: 0, pid: 100, restarts: 0 },
    { id: 1, pid: 101, restarts: 0 },
  ];
  serving = [100, 101];
  /** What becomes of the next one that is started by hand. */
  readonly tries: Array<'dies' | 'stays' | 'never serves'> = [];
  readonly done: string[] = [];
  readonly count = file<CrashCount>();
  readonly plan = file<QuarantinePlan>();
  #nextPid = 200;
  #dying: number | undefined;

  quarantine(): Quarantine {
    return new Quarantine({
      workers: 2,
      budget: 10,
      probeEveryMs: 180_000,
      bootMs: 5000,
      steadyMs: 60_000,
      app: {
        places: async () => this.places,
        stop: async id => {
          this.done.push(`stop ${id}`);
          this.#put(id, 0);
        },
        restart: async id => {
          const fate = this.tries.shift() ?? 'stays';
          this.done.push(`restart ${id} at ${this.nowMs}`);
          const pid = this.#nextPid++;
          this.#put(id, pid);
          if (fate !== 'never serves') this.serving = [...this.serving, pid];
          if (fate === 'dies') this.#dying = pid;
        },
      },
      serving: async () => this.serving,
      takeTurn: () => () => undefined,
      count: this.count,
      plan: this.plan,
      newId: () => 'record',
      now: () => new Date(this.nowMs),
      pause: async (ms, signal) => {
        signal.throwIfAborted();
        this.nowMs += ms;
        if (this.#dying === undefined) return;
        const dying = this.#dying;
        this.#dying = undefined;
        this.serving = this.serving.filter(pid => pid !== dying);
      },
      onProbe: ({ isWell }) => this.done.push(isWell ? 'well' : 'not well'),
    });
  }

  /** As PM2 does when one dies at its start. */
  crash(times: number): void {
    this.serving = this.serving.filter(pid => pid !== this.places[1]?.pid);
    this.places = this.places.map(place =>
      place.id === 1 ? { ...place, pid: this.#nextPid++, restarts: place.restarts + times } : place,
    );
  }

  #put(id: number, pid: number): void {
    const before = this.places.find(place => place.id === id)?.pid;
    this.serving = this.serving.filter(one => one !== before);
    this.places = this.places.map(place => (place.id === id ? { ...place, pid } : place));
  }
}

test('up to its budget a worker that crashes is left to PM2; beyond it is stopped, and the one that serves is not', async () => {
  const machine = new Machine();
  const quarantine = machine.quarantine();
  assert.deepEqual(await quarantine.detect(never), []);
  machine.crash(9);
  assert.deepEqual(await quarantine.detect(never), []);
  machine.crash(1);
  const [episode] = await quarantine.detect(never);
  assert.deepEqual([episode?.trigger.value, episode?.target, episode?.isOwed], [10, 'workers 1', false]);
  machine.tries.push('dies', 'never serves', 'stays');
  assert.deepEqual(await episode?.act(never), { result: 'healed', requests_affected: null });
  const [first, ...rest] = machine.done;
  assert.equal(first, 'stop 1');
  assert.deepEqual(
    rest.map(step => step.replace(/ at .*/, '')),
    ['restart 1', 'stop 1', 'not well', 'restart 1', 'stop 1', 'not well', 'restart 1', 'well'],
  );
  const times = machine.done.flatMap(step => /^restart 1 at (\d+)/.exec(step)?.[1] ?? []).map(Number);
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  assert.ok(
    gaps.every((gap, index) => gap >= 10_000 * 2 ** index),
    `later and later: ${gaps.join(', ')}`,
  );
  assert.ok((times[0] ?? 0) <= 1_005_000, 'the first soon: it may be over');
  assert.deepEqual([machine.plan.content, machine.count.content], [undefined, undefined]);
});

test('restarts that lie further apart than the window has room for are no loop', async () => {
  const machine = new Machine();
  const quarantine = machine.quarantine();
  await quarantine.detect(never);
  for (let crash = 0; crash < 40; crash++) {
    machine.crash(1);
    machine.nowMs += 70_000;
    assert.deepEqual(await quarantine.detect(never), []);
  }
});

test('what a control process has stopped is the next one’s to try, under the same record', async () => {
  const machine = new Machine();
  const killed = machine.quarantine();
  await killed.detect(never);
  machine.crash(10);
  const [episode] = await killed.detect(never);
  const ends = new AbortController();
  machine.tries.push('never serves');
  const acting = episode?.act(ends.signal);
  ends.abort();
  await acting?.catch(() => undefined);
  machine.plan.write({ journal_id: 'record', since: '', ids: [1, 0] });
  const [again] = await machine.quarantine().detect(never);
  assert.deepEqual([again?.id, again?.isOwed], ['record', true]);
  machine.done.length = 0;
  machine.tries.length = 0;
  await again?.act(never);
  assert.deepEqual(
    machine.done.map(step => step.replace(/ at .*/, '')),
    ['stop 1', 'restart 1', 'well'],
  );
});
