import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { constants, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { DailyFile, type DailyFileOptions } from './daily-file.ts';
import { localDay } from './day-file.ts';

const noon = new Date(2026, 10, 21, 12);
const today = 'test-2026-11-21.log';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'deci-daily-file-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function dailyFile(dir: string, over: Partial<DailyFileOptions> = {}): DailyFile {
  const onFailure = (error: Error): void => assert.fail(error);
  return new DailyFile({ dirs: [dir], name: 'test', now: () => noon, onFailure, ...over });
}

const read = (dir: string, name = today): string => readFileSync(join(dir, name), 'utf8');

/** Several turns of the event loop, but no time: until a write that has begun has landed. */
async function untilWritten(path: string, bytes: number): Promise<void> {
  while (statSync(path, { throwIfNoEntry: false })?.size !== bytes) await new Promise(resolve => setImmediate(resolve));
  await new Promise(resolve => setImmediate(resolve));
}

/** Makes today's file a pipe: a write to it takes as long as we like, and its lines can be awaited. */
function pipe(t: TestContext, dir: string): { next: () => Promise<string | undefined> } {
  const path = join(dir, today);
  execFileSync('mkfifo', [path]);
  const socket = new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true });
  t.after(() => socket.destroy());
  let lines: AsyncIterator<string> | undefined;
  return {
    next: async () => {
      lines ??= createInterface({ input: socket })[Symbol.asyncIterator]();
      const { done, value } = await lines.next();
      return done === true ? undefined : value;
    },
  };
}

test('a file name carries the local day', () => {
  assert.equal(localDay(new Date(2026, 0, 2, 0, 0, 0)), '2026-01-02');
  assert.equal(localDay(new Date(2026, 11, 31, 23, 59, 59)), '2026-12-31');
});

test('nothing is created before the first line is written', async t => {
  const dir = folder(t);
  const file = dailyFile(join(dir, 'logs'));
  await file.close();
  assert.deepEqual(readdirSync(dir), []);
});

test('lines of a moment are written together, in order, behind what the file holds', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const dir = folder(t);
  writeFileSync(join(dir, today), 'before\n');
  const file = dailyFile(dir);
  file.append('one\n');
  file.append('two\n');
  assert.equal(read(dir), 'before\n');
  await file.close();
  assert.equal(read(dir), 'before\none\ntwo\n');
});

test('only the owner may read the file and its folder', async t => {
  const dir = join(folder(t), 'deep', 'logs');
  const file = dailyFile(dir);
  file.append('x\n');
  await file.close();
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  assert.equal(statSync(join(dir, today)).mode & 0o777, 0o600);
});

test('without a close, lines are on their way after a moment', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const dir = folder(t);
  const written = pipe(t, dir);
  const file = dailyFile(dir);
  file.append('one\n');
  t.mock.timers.tick(100);
  assert.equal(await written.next(), 'one');
});

test('many lines do not wait for the moment to pass', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const dir = folder(t);
  const written = pipe(t, dir);
  const file = dailyFile(dir);
  const line = 'x'.repeat(65_535);
  file.append(`${line}\n`);
  assert.equal(await written.next(), line);
});

test('two processes that write the same file never cut a line of each other', async t => {
  const dir = folder(t);
  const code = `
    const { DailyFile } = await import(${JSON.stringify(new URL('daily-file.ts', import.meta.url).href)});
    const [, dir, tag] = process.argv;
    const file = new DailyFile({ dirs: [dir], name: 'test', now: () => new Date(2026, 10, 21, 12), onFailure: e => { throw e; } });
    for (let i = 0; i < 4000; i++) {
      file.append(tag + ':' + i + ':' + tag.repeat(20 + (i % 300)) + '\\n');
      if (i % 100 === 0) await new Promise(resolve => setImmediate(resolve));
    }
    await file.close();`;
  const run = promisify((await import('node:child_process')).execFile);
  await Promise.all(['a', 'b'].map(tag => run(process.execPath, ['--input-type=module', '-e', code, dir, tag])));
  const lines = read(dir).split('\n');
  assert.equal(lines.pop(), '');
  assert.equal(lines.length, 8000);
  for (const line of lines) {
    const [tag = '', index = '', rest = ''] = line.split(':');
    assert.equal(rest, tag.repeat(20 + (Number(index) % 300)));
  }
});

test('a new day opens a new file', async t => {
  const dir = folder(t);
  let now = new Date(2026, 10, 21, 23, 59, 59, 999);
  const file = dailyFile(dir, { now: () => now });
  file.append('yesterday\n');
  await file.close();
  now = new Date(2026, 10, 22);
  file.append('today\n');
  await file.close();
  assert.equal(read(dir, 'test-2026-11-21.log'), 'yesterday\n');
  assert.equal(read(dir, 'test-2026-11-22.log'), 'today\n');
});

test('a folder that cannot be written is told, and does not throw', async t => {
  const dir = folder(t);
  writeFileSync(join(dir, 'logs'), 'a file in the way');
  const failures: Error[] = [];
  const file = dailyFile(join(dir, 'logs'), { onFailure: error => failures.push(error) });
  file.append('lost\n');
  await file.close();
  assert.equal(failures.length, 1);
});

test('a failed write of a moment is told too, and its lines are written with the later ones', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const dir = folder(t);
  const logs = join(dir, 'logs');
  writeFileSync(logs, 'a file in the way');
  const failures: Error[] = [];
  const file = dailyFile(logs, { onFailure: error => failures.push(error) });
  file.append('first\n');
  t.mock.timers.tick(100);
  while (failures.length === 0) await new Promise(resolve => setImmediate(resolve));
  rmSync(logs);
  file.append('second\n');
  await file.close();
  assert.equal(read(logs), 'first\nsecond\n');
});

test('a disk that does not take what is written does not make memory grow without end', async t => {
  const dir = folder(t);
  const written = pipe(t, dir);
  const file = dailyFile(dir);
  const line = `${'x'.repeat(399_999)}\n`;
  // The first line is on its way to somebody who does not read yet; what may wait behind it is bounded.
  for (let i = 0; i < 100; i++) file.append(line);
  const closed = file.close();
  let lines = 0;
  void (async () => {
    while ((await written.next()) !== undefined) lines++;
  })();
  await closed;
  assert.ok(lines > 20 && lines < 25, `${lines} lines of 400 kB`);
});

test('lines that came while a slow write was under way follow by themselves', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const dir = folder(t);
  const written = pipe(t, dir);
  const file = dailyFile(dir);
  file.append(`${'x'.repeat(399_999)}\n`);
  file.append('behind\n');
  t.mock.timers.tick(100);
  await written.next();
  const arrived: unknown[] = [];
  void written.next().then(line => arrived.push(line));
  for (let turn = 0; turn < 2000 && arrived.length === 0; turn++) {
    await new Promise(resolve => setImmediate(resolve));
    t.mock.timers.tick(100);
  }
  assert.deepEqual(arrived, ['behind']);
});

test('a day whose file cannot be opened keeps its lines waiting, and loses none', async t => {
  const dir = folder(t);
  let now = noon;
  const failures: Error[] = [];
  const file = dailyFile(join(dir, 'logs'), { now: () => now, onFailure: error => failures.push(error) });
  const big = `${'x'.repeat(65_535)}\n`;
  file.append(big);
  await untilWritten(join(dir, 'logs', today), big.length);
  rmSync(join(dir, 'logs'), { recursive: true });
  writeFileSync(join(dir, 'logs'), 'a file in the way');
  now = new Date(2026, 10, 22);
  file.append(big);
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(failures.length, 1);
  rmSync(join(dir, 'logs'));
  file.append('kept\n');
  await file.close();
  assert.deepEqual(failures.slice(1), []);
  assert.equal(read(join(dir, 'logs'), 'test-2026-11-22.log'), `${big}kept\n`);
});

test('close waits for a write that is under way', async t => {
  const dir = folder(t);
  const written = pipe(t, dir);
  const file = dailyFile(dir);
  const long = 'x'.repeat(399_999);
  file.append(`${long}\n`);
  file.append('last\n');
  const closed = file.close();
  assert.equal(await written.next(), long);
  assert.equal(await written.next(), 'last');
  await closed;
});

test('a line behind one that the disk took only in part begins on a line of its own', async t => {
  const dir = folder(t);
  // The limit on the size of a file stands for a full disk, and cutting the file for space that came back.
  const code = `
    const { statSync, truncateSync } = await import('node:fs');
    const { DailyFile } = await import(${JSON.stringify(new URL('daily-file.ts', import.meta.url).href)});
    const [, dir, path] = process.argv;
    const alive = setTimeout(() => undefined, 30_000);
    let told;
    const failed = new Promise(resolve => { told = resolve; });
    const onFailure = error => told(error.message);
    const file = new DailyFile({ dirs: [dir], name: 'test', now: () => new Date(2026, 10, 21, 12), onFailure });
    file.append('y'.repeat(900) + '\\n' + 'x'.repeat(200) + '\\n');
    console.log(await failed);
    truncateSync(path, 810);
    file.append('z\\n');
    await file.close();
    clearTimeout(alive);`;
  const args = ['-c', 'ulimit -f 2 && exec "$0" "$@"', process.execPath, '--input-type=module', '-e', code];
  const told = execFileSync('sh', [...args, dir, join(dir, today)], { encoding: 'utf8' });
  assert.match(told, /only a part/);
  // Of what was cut nothing is missing, and it begins anew.
  assert.equal(read(dir), `${'y'.repeat(810)}\n${'x'.repeat(200)}\nz\n`);
});

test('a log folder that was removed is made again after a moment', async t => {
  const dir = folder(t);
  let now = noon;
  const file = dailyFile(join(dir, 'logs'), { now: () => now });
  const big = `${'x'.repeat(65_535)}\n`;
  file.append(big);
  await untilWritten(join(dir, 'logs', today), big.length);
  rmSync(join(dir, 'logs'), { recursive: true });
  now = new Date(noon.getTime() + 5000);
  file.append('kept\n');
  await file.close();
  assert.equal(read(join(dir, 'logs')), 'kept\n');
});
