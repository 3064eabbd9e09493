import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { readOrMakeSecret } from './secret-file.ts';

function file(t: TestContext): { dir: string; path: string } {
  const dir = mkdtempSync(join(tmpdir(), 'deci-secret-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return { dir, path: join(dir, 'data', 'admin-key') };
}

const isValid = (text: string): boolean => text.startsWith('s-');

test('a secret is made once, for its owner alone, and read from then on', t => {
  const { path } = file(t);
  assert.equal(readOrMakeSecret({ path, make: () => 's-1', isValid }), 's-1');
  assert.equal(readOrMakeSecret({ path, make: () => 's-2', isValid }), 's-1');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(join(path, '..')), ['admin-key']);
});

test('a file that others could read is closed again', t => {
  const { path } = file(t);
  readOrMakeSecret({ path, make: () => 's-1', isValid });
  chmodSync(path, 0o644);
  readOrMakeSecret({ path, make: () => 's-2', isValid });
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('a file that holds something else is an error that says what to do, and is left as it is', t => {
  const { path } = file(t);
  readOrMakeSecret({ path, make: () => 's-1', isValid });
  for (const text of ['', 'garbage', '\0\0\0']) {
    writeFileSync(path, text);
    assert.throws(() => readOrMakeSecret({ path, make: () => 's-2', isValid }), /remove it to have a new one made/);
  }
});

test('processes that start together get the same secret', async t => {
  const { path } = file(t);
  const code = `
    const { readOrMakeSecret } = await import(${JSON.stringify(new URL('secret-file.ts', import.meta.url).href)});
    process.stdout.write(readOrMakeSecret({
      path: process.argv[1], make: () => 's-' + process.pid, isValid: text => text.startsWith('s-'),
    }));`;
  const run = promisify(execFile);
  const answers = await Promise.all(
    [1, 2, 3, 4].map(() => run(process.execPath, ['--input-type=module', '-e', code, path])),
  );
  assert.equal(new Set(answers.map(({ stdout }) => stdout)).size, 1);
});
