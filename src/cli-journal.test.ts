/** `deci journal` as a process, against a real server that goes away and comes back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ended, run, startApi } from '../test/support/run-cli.ts';
import { until } from '../test/support/until.ts';
import { displayWidth } from './cli/table.ts';

const idsIn = (text: string): string[] =>
  text
    .trim()
    .split('\n')
    .filter(line => line !== '')
    .map(line => (JSON.parse(line) as { id: string }).id);
const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `rec-${from + index}`);

test('the journal is a table, newest first, with titles and no escape', async t => {
  const api = await startApi(t);
  api.add(2);
  api.add(1, { result: null, duration_ms: null, target: 'x\u001B[31m\n世界' });
  const [code, out, err] = await ended(t, api, 'journal');
  assert.deepEqual([code, err], [0, '']);
  const [header = '', first = '', second = '', ...rest] = out.trimEnd().split('\n');
  assert.match(header, /^TIME +HEALER +RESULT +TARGET +TRIGGER +ACTION +TOOK +REQUESTS +DECISION$/);
  assert.match(
    first,
    /^2026-01-01T00:00:03Z {2}breaker +pending +x\\u001b\[31m\\n世界 +failures 5 \(limit 5\) +stop_sending +- +2 {2}open$/,
  );
  assert.equal(displayWidth(first), displayWidth(second));
  assert.equal(rest.length, 1);
});

test('--json is one object with every record that was asked for, over several pages', async t => {
  const api = await startApi(t);
  api.add(7);
  api.pageLimit = 3;
  const [code, out, err] = await ended(t, api, 'journal', '--json', '--limit', '5');
  const answer = JSON.parse(out) as { data: { id: string }[]; has_more: boolean };
  assert.deepEqual([code, err, out.trimEnd().split('\n').length], [0, '', 1]);
  assert.deepEqual(
    answer.data.map(({ id }) => id),
    range(3, 7).toReversed(),
  );
  assert.equal(answer.has_more, true);
});

test('--healer asks for one healer only; an empty journal is said beside the result, and a name that is none is a mistake', async t => {
  const api = await startApi(t);
  assert.deepEqual(await ended(t, api, 'journal', '--healer', 'breaker'), [
    0,
    '',
    'The journal is empty: nothing had to be healed.\n',
  ]);
  api.add(1);
  api.asked.length = 0;
  const [code, out, err] = await ended(t, api, 'journal', '--healer', 'no such & one');
  assert.deepEqual([code, out, err], [2, '', 'there is no healer "no such & one"; there are: breaker\n']);
  assert.match(api.asked[0] ?? '', /healer=no\+such\+%26\+one/);
});

test('--follow tells every record once and in order, also those written while the server was away', {
  timeout: 60_000,
}, async t => {
  const api = await startApi(t);
  api.add(5);
  const running = run(t, api, ['journal', '--follow', '--json', '--limit', '2']);
  await until('the first records', () => idsIn(running.out()).length === 2);
  api.add(250);
  await until('the new records', () => idsIn(running.out()).length === 252);
  await api.stop();
  await until('the outage is told', () => running.err() !== '');
  api.add(2);
  await api.start();
  await until('the records of the outage', () => idsIn(running.out()).length === 254);
  running.child.kill('SIGINT');
  assert.equal(await running.code, 130);
  assert.deepEqual(idsIn(running.out()), range(4, 257));
  assert.match(running.err(), /^[^\n]+\nWaiting for http:\S+; the journal goes on from where it was\.\n$/);
});

test('--follow on an empty journal begins with the first record there is', { timeout: 60_000 }, async t => {
  const api = await startApi(t);
  const running = run(t, api, ['journal', '--follow']);
  await until('the first question', () => api.asked.length > 0);
  api.add(150);
  await until('the records', () => running.out().includes('00:02:30Z'));
  running.child.kill('SIGTERM');
  assert.equal(await running.code, 130);
  const lines = running.out().trimEnd().split('\n');
  assert.deepEqual([lines.length, running.err()], [151, '']);
  assert.match(lines[0] ?? '', /^TIME/);
});

test('--follow does not print a record twice for a server that ignores where it was', { timeout: 60_000 }, async t => {
  const api = await startApi(t);
  api.add(2);
  const running = run(t, api, ['journal', '--follow', '--json']);
  await until('the first records', () => idsIn(running.out()).length === 2);
  api.lie = (_req, res) => res.end(JSON.stringify({ data: api.records, has_more: true }));
  const asked = api.asked.length;
  await until('two more questions', () => api.asked.length >= asked + 2);
  running.child.kill('SIGINT');
  await running.code;
  assert.deepEqual(idsIn(running.out()), range(1, 2));
});

test('--follow whose reader has left ends without a word', { timeout: 60_000 }, async t => {
  const api = await startApi(t);
  api.add(1);
  const running = run(t, api, ['journal', '--follow', '--json']);
  await until('the first record', () => running.out() !== '');
  running.child.stdout.destroy();
  api.add(1);
  assert.deepEqual([await running.code, running.err()], [0, '']);
});

test('the filters are those of the server; a time may be told as how long ago', async t => {
  const api = await startApi(t);
  api.asked.length = 0;
  const beforeMs = Date.now();
  const flags = ['--result', 'worse', '--target', 'gpu:11434', '--since', '2h', '--until', '2026-01-31T13:00:00+01:00'];
  const [code, out, err] = await ended(t, api, 'journal', ...flags);
  assert.deepEqual([code, out, err], [0, '', 'The journal has no such record.\n']);
  const query = new URL(api.asked[0]?.split(' ')[1] ?? '', api.url).searchParams;
  assert.deepEqual([query.get('result'), query.get('target')], ['worse', 'gpu:11434']);
  assert.equal(query.get('until'), '2026-01-31T12:00:00.000Z');
  const agoMs = beforeMs - Date.parse(query.get('since') ?? '');
  assert.ok(Math.abs(agoMs - 2 * 3_600_000) < 60_000, `${agoMs} ms ago`);
});

test('a result, a time or an end that cannot be is a mistake of the command line', async t => {
  const api = await startApi(t);
  for (const flags of [
    ['--result', 'great'],
    ['--since', 'yesterday'],
    ['--since', '12'],
    ['--until', '1h', '--follow'],
  ]) {
    const [code] = await ended(t, api, 'journal', ...flags);
    assert.equal(code, 2, flags.join(' '));
  }
});

test('pages without a record of their own are read on from, and one that leads to itself is not', async t => {
  const api = await startApi(t);
  let pages = 0;
  const page = (data: readonly object[], next: string | null): string =>
    JSON.stringify({ data, next_cursor: next, has_more: next !== null });
  api.lie = (_req, res) => {
    pages++;
    res.end(pages < 4 ? page([], `c${pages}`) : page([{ id: 'found', time: '2026-01-01T00:00:00.000Z' }], null));
  };
  const [code, out] = await ended(t, api, 'journal', '--json', '--target', 'rare');
  assert.deepEqual([code, idsIn(JSON.stringify((JSON.parse(out) as { data: object[] }).data[0]))], [0, ['found']]);
  pages = 0;
  api.lie = (_req, res) => {
    pages++;
    res.end(page([], 'same'));
  };
  assert.equal((await ended(t, api, 'journal', '--json', '--target', 'rare'))[0], 0);
  assert.equal(pages, 2);
});
