import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { until } from '../../test/support/until.ts';
import { createLogger, type Logger, type LoggerOptions } from './logger.ts';

const noon = new Date(2026, 10, 21, 12);

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'deci-logger-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

interface TestLogger {
  readonly log: Logger;
  readonly printed: string[];
}

function logger(dir: string, over: Partial<LoggerOptions> = {}): TestLogger {
  const printed: string[] = [];
  const options = { dir, fallbackDir: undefined, level: 'info', source: 'deci-test', now: () => noon } as const;
  return { log: createLogger({ ...options, print: line => printed.push(line), ...over }), printed };
}

function lines(dir: string, name: string): Array<Record<string, unknown>> {
  const path = join(dir, `${name}-2026-11-21.log`);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>);
}

test('a line is JSON with time, level, source, process, message and fields', async t => {
  const dir = folder(t);
  const { log } = logger(dir);
  log.info('worker is ready', { port: 3001, upstreams: ['http://a'] });
  await log.close();
  assert.deepEqual(lines(dir, 'combined'), [
    {
      time: noon.toISOString(),
      level: 'info',
      source: 'deci-test',
      pid: process.pid,
      message: 'worker is ready',
      port: 3001,
      upstreams: ['http://a'],
    },
  ]);
});

test('everything is in `combined`, warnings and errors also in their own file, and all of it is printed', async t => {
  const dir = folder(t);
  const { log, printed } = logger(dir, { level: 'debug' });
  for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level](`a ${level}`);
  await log.close();
  const messages = (name: string): unknown[] => lines(dir, name).map(line => line['message']);
  assert.deepEqual(messages('combined'), ['a debug', 'a info', 'a warn', 'a error']);
  assert.deepEqual(messages('warn'), ['a warn']);
  assert.deepEqual(messages('error'), ['a error']);
  assert.equal(printed.length, 4);
});

test('what is less severe than the level is nowhere', async t => {
  const dir = folder(t);
  const { log, printed } = logger(dir, { level: 'warn' });
  log.debug('no');
  log.info('no');
  log.warn('yes');
  await log.close();
  assert.deepEqual(
    lines(dir, 'combined').map(line => line['message']),
    ['yes'],
  );
  assert.equal(printed.length, 1);
});

test('it tells which levels are kept', t => {
  const { log } = logger(folder(t), { level: 'warn' });
  assert.deepEqual(
    (['error', 'warn', 'info', 'debug'] as const).map(level => log.keeps(level)),
    [true, true, false, false],
  );
});

test('a finished line goes to `combined` as it is, and is not printed', async t => {
  const dir = folder(t);
  const { log, printed } = logger(dir);
  log.line('{"message":"request"}\n');
  await log.close();
  assert.deepEqual(lines(dir, 'combined'), [{ message: 'request' }]);
  assert.deepEqual(printed, []);
});

test('a line stays one line whatever its message holds', async t => {
  const dir = folder(t);
  const { log } = logger(dir);
  log.warn('first\nsecond "quoted" \u2028', { text: '\u0000\n' });
  await log.close();
  assert.equal(lines(dir, 'combined').length, 1);
  assert.equal(lines(dir, 'combined')[0]?.['text'], '\u0000\n');
});

test('a quiet log creates no files', async t => {
  const dir = folder(t);
  const { log } = logger(dir);
  await log.close();
  assert.deepEqual(readdirSync(dir), []);
});

test('a folder that does not exist is made, for its owner alone', async t => {
  const dir = join(folder(t), 'deep', 'logs');
  const { log } = logger(dir);
  log.info('x');
  await log.close();
  assert.equal(statSync(dir).mode & 0o777, 0o700);
});

test('a folder that cannot be written is replaced by the fallback, with a warning in it', async t => {
  const parent = folder(t);
  writeFileSync(join(parent, 'file'), '');
  const wanted = join(parent, 'file', 'logs');
  const fallbackDir = join(parent, 'spare');
  const { log, printed } = logger(wanted, { fallbackDir });
  log.info('still here');
  await until('it is told', () => printed.length === 3);
  await log.close();
  const [info, warning] = lines(fallbackDir, 'combined');
  assert.equal(info?.['message'], 'still here');
  assert.deepEqual([warning?.['level'], warning?.['dir'], warning?.['lines']], ['warn', wanted, 'elsewhere']);
  assert.match(printed[1] ?? '', /^log: cannot write: /);
  assert.deepEqual([log.health().is, log.health().lostLines], ['elsewhere', 0]);
});

test('without a fallback that can be written, the temporary folder takes the log', async t => {
  const parent = folder(t);
  writeFileSync(join(parent, 'file'), '');
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = parent;
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
  const unwritable = join(parent, 'file', 'logs');
  const { log } = logger(unwritable, { fallbackDir: unwritable });
  log.info('still here');
  await log.close();
  const dir = join(parent, readdirSync(parent).find(name => name.startsWith('deci-logs-')) ?? '');
  assert.equal(lines(dir, 'combined')[0]?.['message'], 'still here');
  assert.equal(statSync(dir).mode & 0o777, 0o700);
});

test('while no folder takes lines they are held, and written when one does; told once each', async t => {
  const dir = join(folder(t), 'logs');
  writeFileSync(dir, 'a file in the way');
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = dir;
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
  const own = logger(dir);
  own.log.info('first');
  await until('it is held', () => own.log.health().is === 'held');
  own.log.info('second');
  rmSync(dir);
  await until('it is well', () => own.log.health().is === 'well');
  await own.log.close();
  const messages = lines(dir, 'combined').map(line => line['message']);
  assert.deepEqual(messages.toSorted(), [
    'first',
    'second',
    'the log folder cannot be written',
    'the log folder is written again',
  ]);
  assert.equal(own.log.health().lostLines, 0);
  assert.equal(own.printed.filter(line => line.startsWith('log: cannot write')).length, 1);
});

test('where lines may not go elsewhere they are lost, and counted', async t => {
  const dir = join(folder(t), 'logs');
  writeFileSync(dir, 'a file in the way');
  const { log } = logger(dir);
  log.allowFallback(false);
  log.info('lost');
  await until('it is counted', () => log.health().lostLines > 0);
  rmSync(dir);
  await log.close();
});

test('fields that JSON cannot hold do not make a log call throw', async t => {
  const dir = folder(t);
  const { log } = logger(dir);
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  assert.doesNotThrow(() => log.error('circular', { circular }));
  assert.doesNotThrow(() => log.error('bigint', { big: 1n }));
  await log.close();
  assert.deepEqual(
    lines(dir, 'combined').map(line => line['message']),
    ['circular', 'bigint'],
  );
});

test('a message with a percent sign keeps its fields', async t => {
  const dir = folder(t);
  const { log } = logger(dir);
  log.warn('disk at 93 %d full', { disk: '/var' });
  await log.close();
  assert.equal(lines(dir, 'combined')[0]?.['disk'], '/var');
});
