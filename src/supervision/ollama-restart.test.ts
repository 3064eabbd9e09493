import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Episode } from '../journal/healer.ts';
import type { Look } from '../ollama/host-care.ts';
import type { CaredHost, OllamaCare } from './ollama-healers.ts';
import { OllamaRestart } from './ollama-restart.ts';
import type { RestartWay } from './restart-way.ts';

const never = new AbortController().signal;

function wayOf(words: string): RestartWay {
  return { words, command: { file: words, args: [] } };
}

class Scene {
  nowMs = 1_000_000;
  seen: Look = 'answers';
  signs = 0;
  rows: ReturnType<OllamaCare['leftAlone']> = [];
  helps = true;
  /** How long the next look takes. */
  lookMs = 0;
  readonly runs: string[] = [];
  readonly finder = {
    way: wayOf('svc restart') as RestartWay | undefined,
    looks: 0,
    next: undefined as RestartWay | undefined,
    async look() {
      this.looks++;
      this.way = this.next;
    },
  };
  readonly host = { name: 'a:1', isLocal: true, look: async () => this.look() } as unknown as CaredHost;
  readonly care: OllamaCare = {
    hosts: [this.host],
    leftAlone: () => this.rows,
    takeTurn: () => () => undefined,
    takeProbe: () => () => undefined,
    tryAgain: () => undefined,
    signsOfLife: () => this.signs,
    nowMs: () => this.nowMs,
  };
  readonly restart = new OllamaRestart({
    care: this.care,
    finder: this.finder,
    run: async ({ words }) => {
      this.runs.push(words);
      if (this.helps) this.seen = 'answers';
      else this.lookMs = 61_000;
      return { code: 0, output: '' };
    },
    onRun: () => undefined,
  });

  look(): Look {
    this.nowMs += this.lookMs;
    this.lookMs = 0;
    return this.seen;
  }

  async found(): Promise<Episode | undefined> {
    return (await this.restart.detect())[0];
  }

  async restarted(): Promise<boolean> {
    const episode = await this.found();
    return (await episode?.act(never))?.result === 'healed';
  }

  /** @returns whether it was restarted within the time, looked at every 2 s */
  async watch(forMs: number, between: () => void = () => undefined): Promise<boolean> {
    for (let passedMs = 0; passedMs < forMs; passedMs += 2000) {
      if (await this.restarted()) return true;
      this.nowMs += 2000;
      between();
    }
    return false;
  }
}

test('a server that is gone is restarted after 10 s, then later and later', async () => {
  const scene = new Scene();
  assert.equal(await scene.restarted(), false);
  for (const pauseMs of [30_000, 60_000, 120_000]) {
    scene.seen = 'refused';
    assert.equal(await scene.restarted(), false, 'it is only just gone');
    scene.nowMs += 10_000;
    assert.equal(await scene.restarted(), true);
    assert.equal(await scene.restarted(), false);
    scene.seen = 'silent';
    await scene.restart.detect();
    scene.nowMs += pauseMs - 1;
    assert.equal(await scene.restarted(), false, `not within ${pauseMs} ms of the last`);
    scene.nowMs += 1;
    scene.seen = 'answers';
    await scene.restart.detect();
  }
});

test('one that loads in vain is restarted at once', async () => {
  const scene = new Scene();
  scene.rows = [{ host: 'a:1', model: undefined, cause: 'first_token_timeout', isOpen: true }];
  scene.restart.noteWedged('a:1');
  assert.equal(await scene.restarted(), true);
});

for (const seen of ['silent', 'refused'] as const) {
  test(`a host that gives tokens to anyone is not restarted, whatever looks say: ${seen}`, async () => {
    const scene = new Scene();
    await scene.restart.detect();
    scene.seen = seen;
    assert.equal(await scene.watch(120_000, () => scene.signs++), false);
    assert.equal(await scene.watch(8000), false, 'not a moment after the last token either');
    assert.equal(await scene.watch(4000), true);
  });
}

test('nor is one whose reloaded model is mute while another one generates', async () => {
  const scene = new Scene();
  scene.rows = [{ host: 'a:1', model: undefined, cause: 'first_token_timeout', isOpen: true }];
  await scene.restart.detect();
  scene.restart.noteWedged('a:1');
  scene.signs++;
  assert.equal(await scene.watch(60_000, () => scene.signs++), false);
});

test('another program at that address is none to restart', async () => {
  const scene = new Scene();
  scene.seen = 'strange';
  assert.equal(await scene.watch(60_000), false);
  assert.deepEqual(scene.runs, []);
});

test('what may restart it is looked for again when a restart did not help', async () => {
  const scene = new Scene();
  scene.helps = false;
  scene.seen = 'refused';
  scene.finder.next = wayOf('docker restart models');
  await scene.restart.detect();
  scene.nowMs += 10_000;
  assert.equal(await scene.restarted(), false);
  assert.deepEqual([scene.runs, scene.finder.looks], [['svc restart'], 1]);
  scene.helps = true;
  assert.equal(await scene.watch(60_000), true);
  assert.deepEqual(scene.runs, ['svc restart', 'docker restart models']);
});

test('where nothing was found it is looked for again once the server has been gone for 10 s', async () => {
  const scene = new Scene();
  scene.finder.way = undefined;
  await scene.restart.detect();
  assert.equal(scene.finder.looks, 0);
  scene.seen = 'refused';
  await scene.restart.detect();
  assert.equal(scene.finder.looks, 0);
  scene.nowMs += 10_000;
  assert.equal(await scene.found(), undefined);
  assert.equal(scene.finder.looks, 1);
  scene.finder.next = wayOf('podman restart m');
  assert.equal(await scene.restarted(), true);
});
