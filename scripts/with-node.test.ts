/** The wrapper that picks a Node, in a copy of the tree where the carried one is missing, broken or fine. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

let root: string;

before(() => {
  root = mkdtempSync(join(tmpdir(), 'deci-'));
  mkdirSync(join(root, 'scripts'));
  copyFileSync(join(import.meta.dirname, 'with-node.sh'), join(root, 'scripts', 'with-node.sh'));
});

after(() => rmSync(root, { recursive: true, force: true }));

/** A folder with a `node` that is a shell script. */
function nodeSaying(script: string): string {
  const dir = mkdtempSync(join(root, 'bin-'));
  writeFileSync(join(dir, 'node'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return dir;
}

function carry(node: string | undefined): void {
  rmSync(join(root, 'node_modules'), { recursive: true, force: true });
  mkdirSync(join(root, 'node_modules', '.bin'), { recursive: true });
  if (node !== undefined) symlinkSync(join(node, 'node'), join(root, 'node_modules', '.bin', 'node'));
}

function run(system: string, ...args: string[]): { status: number | null; out: string } {
  const script = join(root, 'scripts', 'with-node.sh');
  const result = spawnSync('/bin/sh', [script, ...args], {
    env: { PATH: `${system}:/usr/bin:/bin` },
    encoding: 'utf8',
  });
  return { status: result.status, out: `${result.stdout}${result.stderr}`.trim() };
}

const old = (): string => nodeSaying('echo v18.20.0');
const young = (): string =>
  nodeSaying('[ "$1" = --version ] && echo v24.1.0 || echo "system $*; first in PATH: ${PATH%%:*}"');
const broken = (words: string): string => nodeSaying(`echo "${words}" >&2; exit 127`);

test('the carried Node is taken, whatever the system has, and comes first in PATH', () => {
  carry(nodeSaying('[ "$1" = --version ] && echo v26.10.0 || echo "carried $*; first in PATH: ${PATH%%:*}"'));
  const { status, out } = run(old(), 'script.ts', 'two words');
  assert.equal(status, 0);
  assert.equal(out, `carried script.ts two words; first in PATH: ${join(root, 'node_modules', '.bin')}`);
});

test('a carried Node that does not run gives way to a system Node of 24 or newer', () => {
  carry(broken('libatomic.so.1: cannot open shared object file'));
  const { status, out } = run(young(), 'script.ts');
  assert.equal(status, 0);
  assert.match(out, /^system script\.ts/);
});

for (const [words, named] of [
  ['error while loading shared libraries: libatomic.so.1', /apt-get install libatomic1/],
  ['sh: node: not found', /musl.*apk add nodejs/],
  ['version `GLIBC_2.99 not found (required by node)', /C library of this system is too old/],
  ['Exec format error', /does not run \(Exec format error\)/],
] as const) {
  test(`with only an old system Node, "${words.slice(0, 24)}..." becomes one sentence and exit 3`, () => {
    carry(broken(words.replaceAll('`', '\\`')));
    const { status, out } = run(old(), 'script.ts');
    assert.equal(status, 3);
    assert.match(out, named);
    assert.equal(out.split('\n').length, 1);
  });
}

test('without a carried Node and with an old one it says what to install, exit 3', () => {
  carry(undefined);
  const { status, out } = run(old(), 'script.ts');
  assert.equal(status, 3);
  assert.match(out, /No Node 24 or newer is here/);
});

test('without node_modules it asks for npm ci, exit 3', () => {
  rmSync(join(root, 'node_modules'), { recursive: true, force: true });
  const { status, out } = run(young(), 'script.ts');
  assert.equal(status, 3);
  assert.equal(out, 'The packages are not installed: run npm ci first.');
});
