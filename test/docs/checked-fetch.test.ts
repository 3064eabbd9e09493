/** The fetch of the integration tests must not be able to overlook anything, whatever a client does with what it reads. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';

const root = new URL('../..', import.meta.url);

/** Runs a program that has `checkedFetch`, and `url` of a server that answers every request with `body`. */
async function run(t: TestContext, program: string, body: string) {
  const dir = mkdtempSync(join(tmpdir(), 'deci-checked-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const tally = join(dir, 'answers');
  const server = createServer((req, res) => {
    const id = req.url === '/stranger' ? {} : { 'x-request-id': 'req_1' };
    res.writeHead(200, { ...id, 'content-type': 'application/json' }).end(body);
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  t.after(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const source = `const { checkedFetch } = await import('./test/support/checked-fetch.ts');
    const url = 'http://127.0.0.1:${port}'; ${program}`;
  const env = { ...process.env, DECI_CHECKED_ANSWERS: tally };
  const ended = promisify(execFile)(process.execPath, ['--input-type=module', '-e', source], { cwd: root, env });
  const { code, stdout, stderr } = await ended.then(
    output => ({ code: 0, ...output }),
    (failure: { code: number; stdout: string; stderr: string }) => failure,
  );
  return { code, stdout, stderr, checked: Number(readFileSync(tally, 'utf8')) };
}

test('answers that agree are passed on as they are, counted, and nothing else is said', async t => {
  const program = `
    const answer = await checkedFetch(url + '/api/version');
    console.log(answer.status, answer.url === url + '/api/version', await answer.text());
    await checkedFetch(new Request(url + '/api/version', { method: 'HEAD' }));
    await (await checkedFetch(url + '/stranger')).text();`;
  const { code, stdout, stderr, checked } = await run(t, program, '{"version":"1"}');
  assert.deepEqual([code, stdout, stderr, checked], [0, '200 true {"version":"1"}\n', '', 2]);
});

test('an answer that does not agree ends the process as failed, even if its reader hides the error', async t => {
  const program = `await (await checkedFetch(url + '/api/version')).text().catch(() => undefined);`;
  const { code, stderr, checked } = await run(t, program, '{"version":1}');
  assert.deepEqual([code, checked], [1, 0]);
  assert.match(stderr, /GET \/api\/version -> 200 is no Version: \/version must be string: \{"version":1\}/);
});
