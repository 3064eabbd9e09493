import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LogFollower } from './log-follower.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'deci-logs-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const line = (second: number, message: string): string =>
  `{"time":"2026-11-21T10:00:0${second}.000Z","message":"${message}"}`;
const messages = (lines: readonly string[]): string[] => lines.map(text => /"message":"(\w+)"/.exec(text)?.[1] ?? text);

test('warnings and errors are one log in the order of their times, before and after', t => {
  const dir = folder(t);
  const [warn, error] = [join(dir, 'warn-2026-11-21.log'), join(dir, 'error-2026-11-21.log')];
  writeFileSync(warn, `${line(1, 'a')}\n${line(3, 'c')}\n`);
  writeFileSync(error, `${line(2, 'b')}\n${line(4, 'd')}\n`);
  const log = new LogFollower(dir, ['warn', 'error']);
  assert.deepEqual(messages(log.last(3)), ['b', 'c', 'd']);
  assert.deepEqual(log.next(), []);
  appendFileSync(error, `${line(5, 'e')}\n`);
  appendFileSync(warn, `${line(6, 'f')}\n`);
  assert.deepEqual(messages(log.next()), ['e', 'f']);
});

test('a line is told when it is whole, and the file of the next day goes on', t => {
  const dir = folder(t);
  const today = join(dir, 'combined-2026-11-21.log');
  const log = new LogFollower(dir, ['combined']);
  assert.deepEqual(log.last(20), []);
  writeFileSync(today, line(1, 'a').slice(0, 20));
  assert.deepEqual(log.next(), []);
  appendFileSync(today, `${line(1, 'a').slice(20)}\n`);
  assert.deepEqual(messages(log.next()), ['a']);
  appendFileSync(today, `${line(2, 'b')}\n`);
  writeFileSync(join(dir, 'combined-2026-11-22.log'), `${line(3, 'c')}\n`);
  assert.deepEqual(messages(log.next()), ['b', 'c']);
});

test('of a file that is longer than what is looked at, whole lines are told', t => {
  const dir = folder(t);
  writeFileSync(join(dir, 'combined-2026-11-21.log'), `${line(1, 'a'.repeat(1000))}\n`.repeat(2000));
  const lines = new LogFollower(dir, ['combined']).last(10_000);
  assert.ok(lines.length > 500 && lines.length < 2000);
  assert.ok(lines.every(text => text === line(1, 'a'.repeat(1000))));
});
