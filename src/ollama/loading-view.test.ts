import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoadingView } from './loading-view.ts';

const signal = new AbortController().signal;

function setUp() {
  const scene = { leavesAtMs: 1000, isListed: true, own: ['m:latest'], others: false };
  const view = new LoadingView({
    care: {
      loadedModels: async () =>
        scene.isListed ? [{ name: 'm', contextLength: 4096, expiresAtMs: scene.leavesAtMs, remainingMs: 300_000 }] : [],
    },
    own: () => scene.own,
    awaited: () => ['m:latest'],
    isLoading: () => scene.others,
  });
  return { scene, view };
}

test('a model that is listed with a time that stands still is in memory, whatever was known of it', async () => {
  const { view, scene } = setUp();
  await view.look(signal);
  assert.equal(view.isLoading(), true, 'it may have moved');
  await view.look(signal);
  assert.deepEqual([view.isLoading(), view.isSettled('m:latest')], [false, true]);
  scene.isListed = false;
  await view.look(signal);
  assert.equal(view.isLoading(), true);
});

test('one that is being loaded is listed with a time that moves', async () => {
  const { view, scene } = setUp();
  for (; scene.leavesAtMs < 4000; scene.leavesAtMs += 1000) await view.look(signal);
  assert.equal(view.isLoading(), true);
});

test('what another worker loads is being loaded, if anybody here waits for it', async () => {
  const { view, scene } = setUp();
  scene.own = [];
  assert.equal(view.isLoading(), false);
  scene.others = true;
  assert.equal(view.isLoading(), true);
});
