import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
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

test(
  'the name is the same before and after the run folder is made, and it is made for its owner alone',
  inMemory,
  t => {
    const link = join(folder(t), 'link');
    symlinkSync(folder(t), link);
    const runDir = join(link, 'deep', 'run');
    const before = hotFolderCandidates({ hotDir: undefined, runDir });
    const dir = hotFolder({ hotDir: undefined, runDir });
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    assert.equal(dir, before[0]);
    assert.equal(statSync(runDir).mode & 0o777, 0o700);
    assert.deepEqual(hotFolderCandidates({ hotDir: undefined, runDir }), before);
  },
);

/** Of strace: makes a system call fail that would not fail here. */
const tracer = 'strace';

function hotFolderWhere(error: string, runDir: string): { status: number | null; said: string } | undefined {
  const [inShm = ''] = hotFolderCandidates({ hotDir: undefined, runDir });
  const code = `
    const { hotFolder } = await import(${JSON.stringify(new URL('hot-folder.ts', import.meta.url).href)});
    process.stdout.write(hotFolder({ hotDir: undefined, runDir: process.argv[1] }));`;
  const tracing = ['-f', '-qqq', '-o', '/dev/null', '-P', inShm, '-e', `inject=mkdir,mkdirat:error=${error}`];
  const running = [process.execPath, '--input-type=module', '-e', code, runDir];
  const { error: obstacle, status, stdout, stderr } = spawnSync(tracer, [...tracing, ...running], { encoding: 'utf8' });
  return obstacle === undefined ? { status, said: `${stdout}${stderr}` } : undefined;
}

test('a lasting obstacle in memory leads to the run folder, a passing one ends the start', inMemory, t => {
  const runDir = folder(t);
  for (const error of ['EACCES', 'EPERM', 'EROFS', 'ENOSPC']) {
    const ended = hotFolderWhere(error, runDir);
    if (ended === undefined) return t.skip(`${tracer} is not installed`);
    assert.deepEqual(ended, { status: 0, said: join(runDir, 'hot') });
  }
  for (const error of ['EMFILE', 'EIO', 'ENOMEM']) {
    const ended = hotFolderWhere(error, runDir);
    assert.equal(ended?.status, 1, error);
    assert.match(ended.said, new RegExp(error));
  }
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
