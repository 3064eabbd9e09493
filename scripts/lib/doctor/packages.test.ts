import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgePackages, type Lock } from './packages.ts';

type Packages = NonNullable<Lock['packages']>;

const locked: Packages = {
  '': { version: '0.1.0' },
  'node_modules/a': { version: '1.0.0', integrity: 'x' },
  'node_modules/a/node_modules/b': { version: '2.0.0', integrity: 'y' },
  'node_modules/@s/dev': { version: '3.0.0', integrity: 'z', dev: true },
  'node_modules/other-system': { version: '4.0.0', integrity: 'w', optional: true },
};

function judge(
  change: (installed: Record<string, Packages[string]>) => void,
  versions: Readonly<Record<string, string>> = {},
): [string, string] {
  const installed: Record<string, Packages[string]> = { ...locked };
  delete installed[''];
  delete installed['node_modules/other-system'];
  change(installed);
  const versionOf = (path: string): string | undefined =>
    path in versions ? versions[path] : installed[path]?.version;
  const { status, detail } = judgePackages({ packages: locked }, { packages: installed }, versionOf);
  return [status, detail];
}

test('what is installed matches the lock; packages of other systems and of development may be missing', () => {
  assert.deepEqual(
    judge(() => undefined),
    ['ok', '3 packages as in package-lock.json'],
  );
  assert.deepEqual(
    judge(installed => delete installed['node_modules/@s/dev']),
    ['ok', '2 packages as in package-lock.json'],
  );
});

test('missing, other, damaged and extra packages are named', () => {
  assert.deepEqual(
    judge(installed => delete installed['node_modules/a/node_modules/b']),
    ['fail', 'not installed: b'],
  );
  const older = { version: '0.9.0', integrity: 'x' };
  assert.deepEqual(
    judge(installed => Object.assign(installed, { 'node_modules/a': older })),
    ['fail', 'not as in package-lock.json: a'],
  );
  const changed = { version: '3.0.0', integrity: 'other' };
  assert.deepEqual(judge(installed => Object.assign(installed, { 'node_modules/@s/dev': changed }))[0], 'fail');
  assert.deepEqual(
    judge(() => undefined, { 'node_modules/@s/dev': '' }),
    ['fail', 'damaged in node_modules: @s/dev'],
  );
  assert.deepEqual(
    judge(installed => Object.assign(installed, { 'node_modules/new': { version: '1.0.0' } })),
    ['warn', 'not in package-lock.json: new'],
  );
});

test('many names are counted, and a lock without packages is damaged', () => {
  const [, detail] = judge(installed => {
    for (let count = 0; count < 5; count++)
      Object.assign(installed, { [`node_modules/x${count}`]: { version: '1.0.0' } });
  });
  assert.equal(detail, 'not in package-lock.json: x0, x1, x2 and 2 more');
  assert.equal(judgePackages({}, {}, () => undefined).status, 'fail');
});
