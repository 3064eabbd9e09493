import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../src/config/config.ts';
import { startLimitMs } from './launch.ts';

test('a start waits for each worker in turn, as PM2 starts one after another', () => {
  const limit = (workers: string): number =>
    startLimitMs(readConfig({ DECI_WORKERS: workers, BOOT_TIMEOUT: '30s' }, '/opt/deci'));
  assert.equal(limit('1'), 45_000);
  assert.equal(limit('16'), 16 * 30_000 + 15_000);
});
