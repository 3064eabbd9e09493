import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Episode } from '../journal/healer.ts';
import { type CaredHost, type OllamaCare } from './ollama-healers.ts';
import { ModelPull } from './ollama-pull.ts';
import type { OwedModel } from './owed-models.ts';

const never = new AbortController().signal;
const damaged = 'error loading model: tensor data is not within the file bounds';

/** A host whose registry, files and disk can be broken. */
class Ward {
  nowMs = 1_000_000;
  readonly done: string[] = [];
  readonly tried: string[] = [];
  rows: ReturnType<OllamaCare['leftAlone']> = [row()];
  seen: Awaited<ReturnType<CaredHost['look']>> = 'answers';
  names: string[] = ['M:latest', 'other:latest'];
  /** What loading says. */
  words: string | undefined = damaged;
  /** Pulls that work leave what is on the disk as it is, as long as it is there. */
  registry = true;
  helps: 'pull' | 'replacement' | 'nothing' = 'pull';
  owed: () => Promise<readonly OwedModel[]> = async () => [];
  readonly host: CaredHost = {
    name: 'a:1',
    isLocal: true,
    look: async () => this.seen,
    loaded: async () => [],
    listed: async () => this.names,
    generateOne: async () => void this.done.push('generate'),
    unload: async () => void this.done.push('unload'),
    load: async () => {
      this.done.push('load');
      if (this.words !== undefined) throw new Error(this.words);
    },
    pull: async model => {
      this.done.push(`pull ${model}`);
      if (!this.registry) throw new Error('no route to the registry');
      const isNew = !this.names.includes('M:latest');
      if (this.helps === 'pull' || (this.helps === 'replacement' && isNew)) this.words = undefined;
      if (isNew) this.names.push('M:latest');
    },
    remove: async model => {
      this.done.push(`remove ${model}`);
      this.names = this.names.filter(name => name !== model);
    },
  };
  readonly care: OllamaCare = {
    hosts: [this.host],
    leftAlone: () => this.rows,
    takeTurn: () => () => undefined,
    takeProbe: () => () => undefined,
    tryAgain: host => void this.tried.push(host),
    signsOfLife: () => 0,
    nowMs: () => this.nowMs,
  };
  readonly healer = new ModelPull({ care: this.care, owed: () => this.owed() });

  async act(): Promise<string> {
    const [episode] = await this.healer.detect();
    const result = await episode?.act(never).then(
      outcome => outcome.result,
      () => 'failed',
    );
    return `${episode?.action} ${result}`;
  }
}

function row(cause = 'model_damaged', isOpen = true): ReturnType<OllamaCare['leftAlone']>[number] {
  return { host: 'a:1', model: 'm:latest', cause, isOpen };
}

test('looking costs the host a sign of life alone: nothing is loaded or generated, however often', async () => {
  const ward = new Ward();
  for (let time = 0; time < 3; time++) {
    const [episode] = await ward.healer.detect();
    assert.deepEqual([episode?.action, episode?.target], ['pull_model', 'a:1 m:latest']);
  }
  assert.deepEqual(ward.done, []);
  ward.rows = [row('upstream_refused'), row('upstream_failed'), row('first_token_timeout')];
  assert.deepEqual(await ward.healer.detect(), [], 'only what was said to be damaged');
  ward.rows = [row()];
  ward.seen = 'silent';
  assert.deepEqual(await ward.healer.detect(), [], 'not while the host does not answer');
});

test('a damaged model is pulled by the name that the host has for it, and tried again', async () => {
  const ward = new Ward();
  assert.equal(await ward.act(), 'pull_model healed');
  assert.deepEqual(ward.done, ['pull M:latest', 'load']);
  assert.deepEqual(ward.tried, ['a:1']);
});

test('what was healed is left alone until it fails again', async () => {
  const ward = new Ward();
  await ward.act();
  ward.rows = [row('model_damaged', false)];
  assert.deepEqual(await ward.healer.detect(), []);
  ward.rows = [row()];
  assert.equal((await ward.healer.detect()).length, 1);
});

test('it is deleted only after a pull that worked, while its file is damaged still, and pulled at once', async () => {
  const ward = new Ward();
  ward.helps = 'replacement';
  assert.equal(await ward.act(), 'pull_model no_effect');
  ward.done.length = 0;
  assert.equal(await ward.act(), 'replace_model healed');
  assert.deepEqual(ward.done, ['pull M:latest', 'load', 'remove M:latest', 'pull M:latest', 'load']);
});

for (const words of ['CUDA error: out of memory', 'exit status 2', 'unknown model architecture']) {
  test(`a model that does not load for another reason is never deleted: ${words}`, async () => {
    const ward = new Ward();
    ward.helps = 'nothing';
    ward.words = words;
    await ward.act();
    ward.words = damaged;
    ward.rows = [row()];
    await ward.act();
    ward.words = words;
    assert.equal(await ward.act(), 'replace_model no_effect');
    assert.equal(ward.done.includes('remove M:latest'), false);
  });
}

test('nothing is deleted that the registry does not have at that moment', async () => {
  const ward = new Ward();
  ward.helps = 'replacement';
  await ward.act();
  ward.registry = false;
  assert.equal(await ward.act(), 'replace_model failed');
  assert.ok(ward.names.includes('M:latest'));
});

/** Deletes, and finds no way to the registry afterwards. */
async function losing(): Promise<Ward> {
  const ward = new Ward();
  ward.helps = 'replacement';
  await ward.act();
  const { remove } = ward.host;
  Object.assign(ward.host, {
    remove: async (model: string, signal: AbortSignal) => {
      await remove(model, signal);
      ward.registry = false;
    },
  });
  assert.equal(await ward.act(), 'replace_model worse');
  return ward;
}

test('a model that could not be pulled behind its deletion is owed: it is pulled later and later until it is back', async () => {
  const ward = await losing();
  ward.rows = [];
  assert.deepEqual(await ward.healer.detect(), [], 'not at once');
  ward.nowMs += 20_000;
  const [episode] = await ward.healer.detect();
  assert.deepEqual([episode?.action, episode?.isOwed], ['restore_model', true]);
  assert.equal(await ward.act(), 'restore_model worse');
  ward.nowMs += 39_999;
  assert.deepEqual(await ward.healer.detect(), []);
  ward.registry = true;
  ward.nowMs += 1;
  assert.equal(await ward.act(), 'restore_model healed');
  assert.deepEqual(ward.names, ['other:latest', 'M:latest']);
  ward.nowMs += 3_600_000;
  assert.deepEqual(await ward.healer.detect(), []);
});

test('the deadline of the action does not end the pull behind a deletion', async () => {
  const ward = new Ward();
  ward.helps = 'replacement';
  await ward.act();
  const deadline = new AbortController();
  const { remove, pull } = ward.host;
  Object.assign(ward.host, {
    remove: async (model: string, signal: AbortSignal) => {
      await remove(model, signal);
      deadline.abort();
    },
    pull: async (model: string, signal: AbortSignal) => {
      signal.throwIfAborted();
      await pull(model, signal);
    },
  });
  const [episode] = await ward.healer.detect();
  await episode?.act(deadline.signal);
  assert.ok(ward.names.includes('M:latest'));
});

test('one whose deletion was answered by nothing is owed too', async () => {
  const ward = new Ward();
  ward.helps = 'replacement';
  await ward.act();
  const { remove } = ward.host;
  Object.assign(ward.host, {
    remove: async (model: string, signal: AbortSignal) => {
      await remove(model, signal);
      throw new Error('reset');
    },
  });
  assert.equal(await ward.act(), 'replace_model healed');
  assert.ok(ward.names.includes('M:latest'));
});

test('what an earlier process deleted is pulled, once the journal tells of it; what is there again is forgotten', async () => {
  const ward = new Ward();
  ward.rows = [];
  ward.names = [];
  let asked = 0;
  ward.owed = async () => {
    if (++asked === 1) throw new Error('locked');
    return [
      { host: 'a:1', model: 'm:latest' },
      { host: 'gone:1', model: 'm:latest' },
    ];
  };
  assert.deepEqual(await ward.healer.detect(), []);
  const [episode]: readonly Episode[] = await ward.healer.detect();
  assert.equal(episode?.action, 'restore_model');
  ward.names = ['m:latest'];
  assert.deepEqual(await ward.healer.detect(), []);
  ward.names = [];
  assert.deepEqual(await ward.healer.detect(), [], 'deleted by hand now');
  assert.equal(asked, 2);
});
