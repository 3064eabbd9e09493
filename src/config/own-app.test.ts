import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isOwnApp } from './own-app.ts';

const ours = { name: 'deci-blue', namespace: 'deci-backend', errorFile: '/srv/deci/run/output/deci-blue-error.log' };

test('ours are three names in one namespace, and what they write lies in our run folder', () => {
  const isOurs = (other: Partial<typeof ours>): boolean => isOwnApp({ ...ours, ...other }, '/srv/deci/run/output');
  for (const name of ['deci-blue', 'deci-green', 'deci-control']) assert.equal(isOurs({ name }), true, name);
  for (const name of ['deci-mate', 'deci-', 'deci', 'my-deci-blue']) assert.equal(isOurs({ name }), false, name);
  assert.equal(isOurs({ namespace: 'default' }), false);
  assert.equal(isOurs({ errorFile: '/srv/other/run/output/deci-blue-error.log' }), false, 'another installation');
  assert.equal(isOurs({ errorFile: '' }), false);
});

test('the same run folder under another name is the same', t => {
  const dir = mkdtempSync(join(tmpdir(), 'deci-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'output'));
  symlinkSync(dir, join(dir, 'link'));
  assert.equal(isOwnApp({ ...ours, errorFile: join(dir, 'link', 'output', 'x.log') }, join(dir, 'output')), true);
});
