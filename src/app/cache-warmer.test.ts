import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../../test/support/until.ts';
import { CacheWarmer } from './cache-warmer.ts';

test('nothing is made ready while there is no time for it; it goes on when there is', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'deci-warmer-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'warm.jsonl');
  writeFileSync(path, `${JSON.stringify({ path: '/api/chat', body: { model: 'llama3.2', messages: [] } })}\n`);
  let asked = 0;
  let isAllowed = false;
  let looks = 0;
  const warmer = new CacheWarmer({
    path,
    generate: async () => {
      asked++;
      throw new Error('no host');
    },
    leases: { take: () => 'lease', release: () => true },
    log: { info: () => undefined, warn: () => undefined },
    isOptionalAllowed: () => {
      looks++;
      return isAllowed;
    },
  });
  await warmer.start();
  await until('it was kept waiting', () => looks >= 1);
  assert.equal(asked, 0);
  isAllowed = true;
  await until('it goes on', () => asked === 1);
  await warmer.stop();
});

test('one that waits for time ends with its worker', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'deci-warmer-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'warm.jsonl');
  writeFileSync(path, `${JSON.stringify({ path: '/api/chat', body: { model: 'llama3.2', messages: [] } })}\n`);
  let looks = 0;
  const warmer = new CacheWarmer({
    path,
    generate: async () => assert.fail('there is no time'),
    leases: { take: () => 'lease', release: () => true },
    log: { info: () => undefined, warn: () => undefined },
    isOptionalAllowed: () => {
      looks++;
      return false;
    },
  });
  await warmer.start();
  await until('it was kept waiting', () => looks >= 1);
  await warmer.stop();
});
