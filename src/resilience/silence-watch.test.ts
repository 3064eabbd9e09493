import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { aborted } from '../kernel/deadline.ts';
import { DeciError } from '../kernel/errors.ts';
import { SilenceWatch, type WatchedHost } from './silence-watch.ts';

/** Lets everything run that is only waiting for promises. */
const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

class Scene {
  nowMs = 100_000;
  pulse = 0;
  work = { inFlight: 1, models: ['m:latest'], unreadBytes: 0 };
  isLoading = false;
  isThere = true;
  doesGenerate = false;
  isLoaded = true;
  refuses = false;
  standing: 'closed' | 'open' = 'closed';
  isDryRun = false;
  isTrialTaken = false;
  readonly condemned: string[] = [];
  looks = 0;
  hangs = false;
  signs = 0;
  generations = 0;
  readonly watch: SilenceWatch;
  readonly #clock: TestContext;

  constructor(t: TestContext) {
    this.#clock = t;
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const host: WatchedHost = {
      name: 'a',
      pulse: () => this.pulse,
      work: () => this.work,
      isLoading: () => this.isLoading,
      look: async () => {
        this.looks++;
        return this.isThere;
      },
      hasLoaded: () => this.isLoaded,
      generate: async (_, signal) => {
        this.generations++;
        if (this.hangs) await aborted(signal);
        if (this.refuses) throw new DeciError('upstream_refused', { message: 'it has other words', status: 400 });
        if (!this.doesGenerate) throw new DeciError('first_token_timeout');
        this.pulse++;
      },
    };
    this.watch = new SilenceWatch({
      board: {
        standing: () => this.standing,
        condemn: (name, _, { signal }) => {
          this.condemned.push(`${name} ${signal}`);
          if (!this.isDryRun) this.standing = 'open';
        },
      },
      hosts: [host],
      signs: { add: () => ++this.signs, get: () => this.signs },
      store: { takeTrial: () => (this.isTrialTaken ? undefined : () => undefined) },
      nowMs: () => this.nowMs,
      random: () => 0.5,
      onFailure: error => assert.fail(String(error)),
    });
    t.after(() => this.watch.stop());
  }

  async pass(seconds: number): Promise<void> {
    for (let half = 0; half < seconds * 2; half++) {
      this.nowMs += 500;
      this.#clock.mock.timers.tick(500);
      await settled();
    }
  }
}

test('a host that speaks, or has nothing to do, is not even looked at', async t => {
  const scene = new Scene(t);
  await scene.watch.start();
  for (let second = 0; second < 30; second++) {
    scene.pulse++;
    await scene.pass(1);
  }
  scene.work = { ...scene.work, inFlight: 0 };
  await scene.pass(30);
  assert.deepEqual([scene.looks, scene.condemned], [0, []]);
});

test('one that lets in and does not answer is left alone within seconds, without making it generate', async t => {
  const scene = new Scene(t);
  await scene.watch.start();
  scene.isThere = false;
  await scene.pass(5);
  assert.deepEqual([scene.condemned, scene.generations], [['a silent'], 0]);
});

test('one that answers and generates nothing is left alone; not while another worker tries it, loads are under way or nothing is loaded', async t => {
  const scene = new Scene(t);
  await scene.watch.start();
  scene.isTrialTaken = true;
  await scene.pass(10);
  scene.isTrialTaken = false;
  scene.isLoading = true;
  await scene.pass(10);
  scene.isLoading = false;
  scene.isLoaded = false;
  await scene.pass(10);
  assert.deepEqual([scene.condemned, scene.generations], [[], 0]);
  scene.isLoaded = true;
  await scene.pass(5);
  assert.deepEqual([scene.condemned, scene.generations], [['a generates_nothing', 'a m:latest generates_nothing'], 1]);
});

test('one that generates is fine, whatever our requests wait for', async t => {
  const scene = new Scene(t);
  await scene.watch.start();
  scene.doesGenerate = true;
  await scene.pass(20);
  assert.ok(scene.generations >= 1 && scene.generations <= 3, `${scene.generations}`);
  assert.deepEqual(scene.condemned, []);
});

test('one that answers in words is no silent one, and is not asked again at once', async t => {
  const scene = new Scene(t);
  await scene.watch.start();
  scene.refuses = true;
  await scene.pass(20);
  assert.ok(scene.generations >= 1 && scene.generations <= 3, `${scene.generations}`);
  assert.deepEqual(scene.condemned, []);
});

for (const unreadBytes of [200, 4000, 100_000]) {
  test(`a host that says nothing to a prompt of ${unreadBytes} bytes is left alone within 20 s`, async t => {
    const scene = new Scene(t);
    await scene.watch.start();
    scene.work = { ...scene.work, unreadBytes };
    scene.hangs = true;
    await scene.pass(20);
    assert.equal(scene.standing, 'open');
  });
}

test('one that another worker hears is not silent', async t => {
  const scene = new Scene(t);
  await scene.watch.start();
  scene.isThere = false;
  for (let second = 0; second < 20; second++) {
    scene.signs++;
    await scene.pass(1);
  }
  assert.deepEqual([scene.looks, scene.condemned], [0, []]);
});

test('in a dry run it is told once a minute', async t => {
  const scene = new Scene(t);
  await scene.watch.start();
  scene.isDryRun = true;
  scene.isThere = false;
  await scene.pass(50);
  assert.equal(scene.condemned.length, 1);
  await scene.pass(30);
  assert.equal(scene.condemned.length, 2);
});
