/** The `deci` command as a process, against a real server that answers, lies, hangs and goes away. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ended, run, startApi } from '../test/support/run-cli.ts';
import { until } from '../test/support/until.ts';

test('Ctrl-C ends a command whose server does not answer', async t => {
  const api = await startApi(t);
  api.lie = () => undefined;
  const running = run(t, api, ['healers', 'list']);
  await until('the question', () => api.asked.length > 0);
  running.child.kill('SIGINT');
  assert.deepEqual([await running.code, running.err()], [130, 'Interrupted.\n']);
});

test("healers: the list is a table or the server's object", async t => {
  const api = await startApi(t);
  const [code, out] = await ended(t, api, 'healers', 'list');
  assert.deepEqual(
    [code, out.trimEnd().split('\n')],
    [
      0,
      [
        'NAME     MODE  USED  BUDGET    LAST                  REPAIRS',
        'breaker  on       1  3 in 10m  2026-01-01T00:00:01Z  a host that fails',
      ],
    ],
  );
  const [, json] = await ended(t, api, 'healers', 'list', '--json');
  assert.equal((JSON.parse(json) as { total: number }).total, 1);
});

test('healers: a mode is set by name, and told', async t => {
  const api = await startApi(t);
  const [code, out] = await ended(t, api, 'healers', 'set', 'breaker', 'dry_run');
  assert.deepEqual([code, out, api.sent], [0, 'breaker is dry_run.\n', ['{"mode":"dry_run"}']]);
  const [, json] = await ended(t, api, 'healers', 'set', 'breaker', 'off', '--json');
  assert.equal((JSON.parse(json) as { mode: string }).mode, 'off');
});

test('healers: a name that the server does not know fails with its words, and reaches it escaped', async t => {
  const api = await startApi(t);
  const [code, out, err] = await ended(t, api, 'healers', 'set', '../x', 'on');
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /refused \(404\): there is no such healer\n {2}See the list\.\n$/);
  assert.deepEqual(api.asked, ['PUT /api/admin/healers/..%2Fx']);
});

test('hosts: the list is a table, a host is drained by name, and one that is not known fails', async t => {
  const api = await startApi(t);
  const [code, out] = await ended(t, api, 'hosts', 'list');
  assert.deepEqual(
    [code, out.trimEnd().split('\n')],
    [
      0,
      [
        'NAME       STATE  SLOTS        MODELS  LOADED           VERSION  REASON',
        'gpu:11434  busy     5/5  2 (1 differ)  llama3.2:latest  0.33.0   -',
      ],
    ],
  );
  const [, json] = await ended(t, api, 'hosts', 'list', '--json');
  assert.equal((JSON.parse(json) as { has_more: boolean }).has_more, false);
  assert.deepEqual(await ended(t, api, 'hosts', 'drain', 'gpu:11434'), [0, 'gpu:11434 is draining.\n', '']);
  const [failed, , err] = await ended(t, api, 'hosts', 'undrain', 'nowhere');
  assert.equal(failed, 1);
  assert.match(err, /refused \(404\)/);
});

test('usage errors are exit 2 with a suggestion, and ask no server', async t => {
  const api = await startApi(t);
  for (const [args, words] of [
    [['jurnal'], /Did you mean journal\?/],
    [['journal', '--folow'], /Did you mean --follow\?/],
    [['journal', '--limit', '0'], /Expected a number from 1 to 10000/],
    [['journal', 'extra'], /too many arguments/],
    [['healers', 'set', 'breaker', 'maybe'], /Allowed choices are on, dry_run, off/],
    [['healers', 'set', 'breaker'], /missing required argument 'mode'/],
    [['healers'], /Usage: deci healers/],
    [[], /Usage: deci/],
  ] as const) {
    const [code, out, err] = await ended(t, api, ...args);
    assert.deepEqual([code, out], [2, ''], args.join(' '));
    assert.match(err, words);
  }
  assert.deepEqual(api.asked, []);
});

test('help needs no valid configuration and no server', async t => {
  const running = run(t, { url: 'http://127.0.0.1:9' }, ['journal', '--help'], { DECI_URL: 'nonsense', PORT: 'x' });
  assert.deepEqual([await running.code, running.err()], [0, '']);
  assert.match(running.out(), /--follow/);
});

test('a configuration that is not valid is a warning with every mistake: what runs is reached all the same', async t => {
  const api = await startApi(t);
  const wrong = { PORT: 'x', DECI_WORKERS: 'y', DECI_URL: api.url, DECI_KEY: '' };
  const running = run(t, { url: '' }, ['journal'], wrong);
  assert.equal(await running.code, 3);
  assert.match(running.err(), /refused \(401\)/, 'the server was asked');
  assert.match(running.err(), /^Warning: .*\n {2}PORT: expected.*\n {2}DECI_WORKERS: expected/);
});

const html = (_req: IncomingMessage, res: ServerResponse): void => {
  res.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
};

test('nobody answering, another server and a refusal are exit 3, each with what to do', async t => {
  const api = await startApi(t);
  api.lie = html;
  const [code, , err] = await ended(t, api, 'journal');
  assert.deepEqual([code, /is not Deci.*text\/html.*check DECI_URL/.test(err)], [3, true], err);
  const refused = run(t, await startApi(t), ['journal'], { DECI_KEY: 'other' });
  assert.equal(await refused.code, 3);
  assert.match(refused.err(), /refused \(401\): this server asks for a key\n {2}Send a key\.\n {2}Request id r-1\n$/);
  await api.stop();
  const [gone, , words] = await ended(t, api, 'journal', '--follow');
  assert.deepEqual(
    [gone, words],
    [3, `Deci does not answer on ${api.url}: start it with npm start, or set DECI_URL.\n`],
  );
});

test('the command works through the link that npm makes, from any folder', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'deci-bin-'));
  t.after(() => rmSync(dir, { recursive: true }));
  symlinkSync(join(import.meta.dirname, '..', 'scripts', 'deci.sh'), join(dir, 'real'));
  symlinkSync('real', join(dir, 'deci'));
  const child = spawn(join(dir, 'deci'), ['--version'], {
    cwd: dir,
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    out += part;
  });
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 0);
  assert.match(out, /^\d+\.\d+\.\d+\n$/);
});
