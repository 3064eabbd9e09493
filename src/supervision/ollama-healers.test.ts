import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeciError } from '../kernel/errors.ts';
import { type CaredHost, createRunnerReload, type OllamaCare } from './ollama-healers.ts';

const never = new AbortController().signal;

class Ward {
  nowMs = 1_000_000;
  readonly done: string[] = [];
  readonly tried: string[] = [];
  readonly probed: string[] = [];
  refuses = false;
  rows: ReturnType<OllamaCare['leftAlone']> = [];
  isBusy = false;
  isProbed = false;
  isUnloaded = false;
  seen: Awaited<ReturnType<CaredHost['look']>> = 'answers';
  /** How many generations fail from now on. */
  hangs = 0;
  readonly host: CaredHost = {
    name: 'a:1',
    isLocal: true,
    look: async () => this.seen,
    loaded: async () => (this.isUnloaded ? [] : ['other:latest', 'm:latest']),
    listed: async () => ['m:latest'],
    generateOne: async model => {
      this.probed.push(model);
      if (this.refuses) throw new DeciError('upstream_refused', { message: 'other words', status: 500 });
      if (this.hangs-- > 0) throw new DeciError('first_token_timeout');
    },
    load: async model => void this.done.push(`load ${model}`),
    unload: async model => {
      this.done.push(`unload ${model}`);
      this.isUnloaded = true;
    },
    pull: async model => void this.done.push(`pull ${model}`),
    remove: async model => void this.done.push(`remove ${model}`),
  };
  readonly care: OllamaCare = {
    hosts: [this.host],
    leftAlone: () => this.rows,
    takeTurn: () => (this.isBusy ? undefined : () => undefined),
    takeProbe: () => (this.isProbed ? undefined : () => undefined),
    tryAgain: host => void this.tried.push(host),
    signsOfLife: () => 0,
    nowMs: () => this.nowMs,
  };
}

const silent = [
  { host: 'a:1', model: undefined, cause: 'first_token_timeout', isOpen: true },
  { host: 'a:1', model: 'm:latest', cause: 'first_token_timeout', isOpen: true },
];

test('a model that generates nothing is loaded anew, and the host tried again; one that does is left alone', async () => {
  const ward = new Ward();
  const vain: string[] = [];
  const healer = createRunnerReload(ward.care, host => vain.push(host));
  assert.deepEqual(await healer.detect(never), []);
  ward.rows = silent;
  assert.deepEqual(await healer.detect(never), [], 'it generates');
  ward.hangs = 1;
  assert.deepEqual(await healer.detect(never), [], 'not looked at so soon again');
  ward.nowMs += 10_000;
  ward.isProbed = true;
  assert.deepEqual(await healer.detect(never), [], 'a worker tries it');
  ward.isProbed = false;
  ward.nowMs += 10_000;
  const [episode] = await healer.detect(never);
  assert.equal(episode?.target, 'a:1 m:latest');
  assert.equal((await episode?.act(never))?.result, 'healed');
  assert.deepEqual(ward.done, ['unload m:latest', 'load m:latest']);
  assert.deepEqual([ward.tried, vain], [['a:1'], []]);
  assert.deepEqual(await healer.detect(never), [], 'what was seen before it acted holds no longer');
});

test('a model that hangs on is one episode, although it is made to generate every 10 s only', async () => {
  const ward = new Ward();
  ward.rows = silent;
  ward.hangs = 99;
  const healer = createRunnerReload(ward.care, () => undefined);
  for (let time = 0; time < 4; time++) {
    assert.equal((await healer.detect(never)).length, 1);
    ward.nowMs += 2000;
  }
  assert.equal(ward.probed.length, 1);
});

test('only what is named is tried, and only silence counts', async () => {
  const ward = new Ward();
  ward.refuses = true;
  ward.rows = silent;
  const healer = createRunnerReload(ward.care, () => undefined);
  assert.deepEqual(await healer.detect(never), []);
  assert.deepEqual(ward.probed, ['m:latest']);
});

test('never two hosts at once: each needs the turn before it may act', async () => {
  const ward = new Ward();
  ward.rows = silent;
  ward.hangs = 1;
  const [episode] = await createRunnerReload(ward.care, () => undefined).detect(never);
  assert.ok(episode?.takeTurn?.() !== undefined);
  ward.isBusy = true;
  assert.equal(episode?.takeTurn?.(), undefined);
});
