import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MainStore } from './main-store.ts';

const rounds = 200;
const lanes = 4;

/** Opens the store, which proves it whole, and writes as fast as it is acknowledged, telling each id that is. */
const writer = `
  import { writeSync } from 'node:fs';
  const { MainStore } = await import(${JSON.stringify(new URL('main-store.ts', import.meta.url).href)});
  const [, dataDir, round] = process.argv;
  const store = new MainStore({ dataDir, onStateChange: () => {}, onSlow: () => {} });
  await store.start();
  if (store.state.is !== 'open') { console.error(store.state.error); process.exit(1); }
  const sql = 'INSERT INTO healer_settings (healer, mode, set_by, set_at) VALUES (?, ?, ?, ?)';
  const write = async lane => {
    for (let i = 0; ; i++) {
      const id = round + '-' + lane + '-' + i;
      await store.write(sql, [id, 'on', 'x'.repeat(500), '2026']);
      writeSync(1, id + '\\n');
    }
  };
  await Promise.all([write('a'), write('b')]);`;

/** @returns the ids that were acknowledged before the process and its thread were killed */
async function killedWhileWriting(dataDir: string, round: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', writer, dataDir, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let told = '';
  // Killed at once, or some writes later: each place in a write is hit sooner or later.
  const killAfter = 1 + (round % 7);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    told += text;
    if (told.split('\n').length > killAfter) killAtRandom(child);
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL', `round ${round} ended with ${code}`);
  // A line that was cut was not acknowledged to anybody.
  return told.slice(0, told.lastIndexOf('\n')).split('\n');
}

function killAtRandom(child: ChildProcess): void {
  setTimeout(() => child.kill('SIGKILL'), Math.random() * 3);
}

test(`${rounds} times killed while writing: nothing acknowledged is lost, and the store opens clean`, async t => {
  const dir = mkdtempSync(join(tmpdir(), 'deci-store-crash-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const lane = async (name: number): Promise<number> => {
    const dataDir = join(dir, String(name));
    const acknowledged: string[] = [];
    for (let round = 0; round < rounds / lanes; round++)
      acknowledged.push(...(await killedWhileWriting(dataDir, round)));
    const store = new MainStore({ dataDir, onStateChange: () => undefined, onSlow: () => undefined });
    await store.start();
    assert.equal(store.state.is, 'open');
    const kept = new Set(store.all('SELECT healer FROM healer_settings').map(row => String(row['healer'])));
    assert.deepEqual(
      acknowledged.filter(id => !kept.has(id)),
      [],
    );
    await store.stop();
    return acknowledged.length;
  };
  const counts = await Promise.all(Array.from({ length: lanes }, (_, name) => lane(name)));
  const total = counts.reduce((sum, count) => sum + count, 0);
  t.diagnostic(`${total} writes were acknowledged in ${rounds} rounds`);
  assert.ok(total >= rounds);
});
