import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statfsSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hotFolder, hotFolderCandidates } from './hot-folder.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'deci-hot-folder-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const tmpfs = 0x01021994;
const hasMemory = statfsSync('/dev/shm', { bigint: false }).type === tmpfs;
const inMemory = hasMemory ? {} : { skip: '/dev/shm is no memory file system here' };

test('in memory, the folder is named after the user and the installation, and is for its owner alone', inMemory, t => {
  const runDir = folder(t);
  const dir = hotFolder({ hotDir: undefined, runDir });
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  assert.match(dir, new RegExp(`^/dev/shm/deci-${process.getuid?.()}-[0-9a-f]{12}$`));
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  assert.equal(hotFolder({ hotDir: undefined, runDir }), dir);
  assert.notEqual(hotFolderCandidates({ hotDir: undefined, runDir: folder(t) })[0], dir);
});

test('the same run folder under another name is the same installation', inMemory, t => {
  const runDir = folder(t);
  const link = join(folder(t), 'link');
  symlinkSync(runDir, link);
  const first = hotFolderCandidates({ hotDir: undefined, runDir });
  assert.equal(hotFolderCandidates({ hotDir: undefined, runDir: link })[0], first[0]);
});

test('without memory, or where the place in memory is not ours alone, it lies in the run folder', inMemory, t => {
  const runDir = folder(t);
  assert.equal(hotFolder({ hotDir: undefined, runDir, memoryDir: join(runDir, 'none') }), join(runDir, 'hot'));
  const [inShm = ''] = hotFolderCandidates({ hotDir: undefined, runDir });
  t.after(() => rmSync(inShm, { recursive: true, force: true }));
  mkdirSync(inShm);
  chmodSync(inShm, 0o755);
  assert.equal(hotFolder({ hotDir: undefined, runDir }), join(runDir, 'hot'));
  rmSync(inShm, { recursive: true });
  symlinkSync(folder(t), inShm);
  assert.equal(hotFolder({ hotDir: undefined, runDir }), join(runDir, 'hot'));
});

test('a folder that the user names is taken, and refused when others could use it', t => {
  const hotDir = join(folder(t), 'mine');
  assert.equal(hotFolder({ hotDir, runDir: '/nowhere' }), hotDir);
  chmodSync(hotDir, 0o777);
  assert.throws(() => hotFolder({ hotDir, runDir: '/nowhere' }), /is not a folder of this user alone/);
});
