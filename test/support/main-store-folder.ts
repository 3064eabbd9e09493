/** Folders with a main store, for tests of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { MainStore, type MainStoreOptions, type MainStoreState } from '../../src/storage/main-store.ts';

export const setting = 'INSERT INTO healer_settings (healer, mode, set_by, set_at) VALUES (?, ?, ?, ?)';

/** For code that runs as a process of its own. */
export const mainStoreModule = JSON.stringify(new URL('../../src/storage/main-store.ts', import.meta.url).href);

export function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'deci-store-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'data');
}

export function storeIn(t: TestContext, dataDir: string, over: Partial<MainStoreOptions> = {}): MainStore {
  const quiet = { onStateChange: () => undefined, onSlow: () => undefined };
  const store = new MainStore({ dataDir, ...quiet, openTimeoutMs: 2000, ...over });
  t.after(() => store.stop());
  return store;
}

export async function openStore(
  t: TestContext,
  dataDir: string,
  over: Partial<MainStoreOptions> = {},
): Promise<MainStore> {
  const store = storeIn(t, dataDir, over);
  await store.start();
  assert.equal(store.state.is, 'open');
  return store;
}

/** A store that is closed and has something in it. */
export async function filledStore(t: TestContext): Promise<{ dataDir: string; path: string }> {
  const dataDir = folder(t);
  const store = await openStore(t, dataDir);
  for (let i = 0; i < 50; i++) await store.write(setting, [`healer-${i}`, 'on', 'somebody'.repeat(50), '2026']);
  await store.stop();
  return { dataDir, path: store.path };
}

export function reasonIn(state: MainStoreState): string {
  return state.is === 'unavailable' ? state.error.reason : state.is;
}

export const countOf = (store: MainStore): unknown => store.get('SELECT count(*) AS n FROM healer_settings')?.['n'];
