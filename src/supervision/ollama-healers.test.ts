import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeciError } from '../kernel/errors.ts';
import { type CaredHost, createModelPull, createRunnerReload, isCorrupt, type OllamaCare } from './ollama-healers.ts';
import { OllamaRestart } from './ollama-restart.ts';

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
  /** What loading says; undefined when it works. */
  failure: string | undefined;
  /** How many generations fail from now on. */
  hangs = 0;
  readonly host: CaredHost = {
    name: 'a:1',
    isLocal: true,
    look: async () => this.seen,
    loaded: async () => (this.isUnloaded ? [] : ['other:latest', 'm:latest']),
    generateOne: async model => {
      this.probed.push(model);
      if (this.refuses) throw new DeciError('upstream_refused', { message: 'other words', status: 500 });
      if (this.hangs-- > 0) throw new DeciError('first_token_timeout');
    },
    load: async model => {
      this.done.push(`load ${model}`);
      if (this.failure !== undefined) throw new Error(this.failure);
    },
    unload: async model => {
      this.done.push(`unload ${model}`);
      this.isUnloaded = true;
    },
    pull: async model => void this.done.push(`pull ${model}`),
    remove: async model => {
      this.done.push(`remove ${model}`);
      this.failure = undefined;
    },
  };
  readonly care: OllamaCare = {
    hosts: [this.host],
    leftAlone: () => this.rows,
    takeTurn: () => (this.isBusy ? undefined : () => undefined),
    takeProbe: () => (this.isProbed ? undefined : () => undefined),
    tryAgain: host => void this.tried.push(host),
    nowMs: () => this.nowMs,
  };
}

const silent = [
  { host: 'a:1', model: undefined, cause: 'first_token_timeout' },
  { host: 'a:1', model: 'm:latest', cause: 'first_token_timeout' },
];
const corrupt = 'llama runner process has terminated: error loading model: tensor data is not within the file bounds';

test('what Ollama says of a damaged file is known; what it says without enough memory is not that', () => {
  for (const text of [
    corrupt,
    'model is corrupted or incomplete',
    'invalid file magic',
    'open /root/.ollama/models/blobs/sha256-6a0746a1ec1a: no such file or directory',
    'digest mismatch, expected "a", got "b"',
  ]) {
    assert.equal(isCorrupt(text), true, text);
  }
  for (const text of [
    'llama runner process has terminated: exit status 2',
    'model requires more system memory (9 GiB) than is available (4 GiB)',
    'CUDA error: out of memory',
    'unable to load model',
  ]) {
    assert.equal(isCorrupt(text), false, text);
  }
});

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

test('a damaged model is pulled, and deleted only when that was not enough and the registry has it', async () => {
  const ward = new Ward();
  ward.rows = [{ host: 'a:1', model: 'm:latest', cause: 'upstream_refused' }];
  ward.failure = 'exit status 2';
  const healer = createModelPull(ward.care);
  assert.deepEqual(await healer.detect(never), []);
  ward.nowMs += 10_000;
  ward.failure = corrupt;
  const [episode] = await healer.detect(never);
  ward.done.length = 0;
  assert.equal((await episode?.act(never))?.result, 'healed');
  assert.deepEqual(
    ward.done.map(one => one.split(' ')[0]),
    ['pull', 'load', 'remove', 'pull', 'load'],
  );
  assert.deepEqual(ward.tried, ['a:1']);
});

test('a server that is gone is restarted after 10 s, then later and later; one that loads in vain at once', async () => {
  const ward = new Ward();
  const runs: string[] = [];
  const way = { words: 'svc restart', command: { file: 'svc', args: [] } };
  const restart = new OllamaRestart({
    care: ward.care,
    way: () => way,
    run: async (_, host) => {
      runs.push(host);
      ward.seen = 'answers';
      return { code: 0, output: '' };
    },
    onRun: () => undefined,
  });
  const restarted = async (): Promise<boolean> => {
    const [episode] = await restart.detect();
    return (await episode?.act(never))?.result === 'healed';
  };
  assert.equal(await restarted(), false);
  for (const pauseMs of [30_000, 60_000, 120_000]) {
    ward.seen = 'refused';
    assert.equal(await restarted(), false, 'it is only just gone');
    ward.nowMs += 10_000;
    assert.equal(await restarted(), true);
    assert.equal(await restarted(), false);
    ward.seen = 'silent';
    await restart.detect();
    ward.nowMs += pauseMs - 1;
    assert.equal(await restarted(), false, `not within ${pauseMs} ms of the last`);
    ward.nowMs += 1;
    ward.seen = 'answers';
    await restart.detect();
  }
  ward.nowMs += 600_000;
  ward.rows = silent;
  restart.noteWedged('a:1');
  assert.equal(await restarted(), true);
  assert.equal(runs.length, 4);
});
