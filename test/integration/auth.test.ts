/**
 * Who may do what: every route with every role, in every spelling of its path. What was refused never reaches Ollama.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { routeRows } from '../../src/http/route-rows.ts';
import { mayAct, roles } from '../../src/kernel/role.ts';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { clusterEnvironment, runScript } from '../support/start-cluster.ts';
import { startWorker, type TestWorker } from '../support/start-worker.ts';
import { type Answer, ask, bearer, json, raw, statusOf } from './wire.ts';

const wrongKey = `deci_${'0'.repeat(64)}`;
const concrete = (path: string): string =>
  path
    .replace('*model', 'llama3.2')
    .replace(':digest', `sha256:${'a'.repeat(64)}`)
    .replace(':encodedKey', 'abc')
    .replace(':name', 'dead-leases');

let fake: FakeOllama;
before(async () => {
  fake = await startFakeOllama();
});
after(() => fake.stop());

const settings = (env: Record<string, string>) => ({ OLLAMA_URLS: fake.url, ...env });

/** What Ollama saw of the caller, apart from our own probes. */
function seen(): number {
  return fake.control.state().requests.filter(({ path }) => !['/api/version', '/api/tags', '/api/ps'].includes(path))
    .length;
}

/** Sends nothing that could be carried out: it is the status of the door that counts. */
function knock(worker: TestWorker, method: string, path: string, headers: Record<string, string> = {}) {
  const body = method === 'POST' || method === 'PUT' || method === 'DELETE' ? '{' : undefined;
  return ask({ url: worker.url }, concrete(path), body, { method, headers });
}

/** Ollama has a 401 of its own, for an account that nobody is signed in to. */
function asksForKey({ status, headers }: Answer): boolean {
  return status === 401 && headers.get('www-authenticate') === 'Bearer realm="deci"';
}

for (const role of roles) {
  describe(`without a key, as ${role}`, () => {
    let worker: TestWorker;
    before(async () => {
      worker = await startWorker(settings({ DECI_LOCAL_ROLE: role }));
    });
    after(() => worker[Symbol.asyncDispose]());

    for (const { method, path, role: required } of routeRows()) {
      const allowed = mayAct(role, required);
      test(`${method} ${path} is ${allowed ? 'let in' : 'refused'}`, async () => {
        const before_ = seen();
        const answer = await knock(worker, method, path);
        const { status, text } = answer;
        assert.equal(status === 403, !allowed, `${status} ${text}`);
        assert.equal(asksForKey(answer), false);
        if (!allowed) {
          assert.equal(seen(), before_, 'Ollama saw it');
          if (method !== 'HEAD') assert.match(text, new RegExp(`role ${required}`));
        }
      });
    }
  });
}

describe('where keys are required', () => {
  let worker: TestWorker;
  before(async () => {
    worker = await startWorker(settings({ DECI_AUTH: 'required' }));
  });
  after(() => worker[Symbol.asyncDispose]());

  for (const { method, path, role: required } of routeRows()) {
    test(`${method} ${path}: without a key ${required === 'public' ? 'let in' : '401'}; with the admin key let in`, async () => {
      for (const headers of [{}, bearer(wrongKey), { 'x-api-key': 'unused' }, bearer(`${worker.key}0`)]) {
        const before_ = seen();
        const answer = await knock(worker, method, path, headers);
        assert.equal(asksForKey(answer), required !== 'public', `${answer.status} ${answer.text}`);
        if (required === 'public') continue;
        assert.equal(seen(), before_, 'Ollama saw it');
      }
      for (const headers of [bearer(worker.key), { 'x-api-key': worker.key }]) {
        const answer = await knock(worker, method, path, headers);
        assert.equal(asksForKey(answer) || answer.status === 403, false, `${answer.status}`);
      }
    });
  }

  test('each dialect says it in its own words', async () => {
    const refusedAt = async (path: string) => json(await ask({ url: worker.url }, path, {}));
    assert.deepEqual(await refusedAt('/api/chat'), { error: 'this server asks for a key' });
    const openai = (await refusedAt('/v1/chat/completions')) as { error: { type: string; code: string } };
    assert.deepEqual([openai.error.type, openai.error.code], ['authentication_error', 'authentication_required']);
    const anthropic = (await refusedAt('/v1/messages')) as { error: { type: string } };
    assert.equal(anthropic.error.type, 'authentication_error');
    const problem = json(await ask({ url: worker.url }, '/api/journal'));
    assert.deepEqual([problem['status'], problem['code']], [401, 'authentication_required']);
    assert.match(String(problem['hint']), /data\/admin-key/);
  });
});

describe('spellings', () => {
  let worker: TestWorker;
  before(async () => {
    worker = await startWorker(settings({}));
  });
  after(() => worker[Symbol.asyncDispose]());

  const guarded: ReadonlyArray<[method: string, path: string]> = [
    ['DELETE', '/api/delete'],
    ['POST', '/api/pull'],
    ['POST', '/api/create'],
    ['POST', '/api/copy'],
    ['POST', '/api/me'],
    ['PUT', '/api/admin/healers/dead-leases'],
  ];
  const spell: Readonly<Record<string, (path: string) => string>> = {
    'as it is': path => path,
    'a slash at the end': path => `${path}/`,
    'two slashes': path => path.replace('/api/', '/api//'),
    'two slashes in front': path => `/${path}`,
    'an escaped letter': path => path.replace('/api/', '/%61pi/'),
    'an escaped slash': path => path.replace('/api/', '/api%2f'),
    'escaped twice': path => path.replace('/api/', '/%2561pi/'),
    'other case': path => path.toUpperCase(),
    'a dot': path => path.replace('/api/', '/api/./'),
    'two dots': path => path.replace('/api/', '/api/tags/../'),
    'escaped dots': path => path.replace('/api/', '/api/tags/%2e%2e/'),
    'a backslash': path => path.replace('/api/', '/api\\'),
    'a semicolon': path => `${path};a=b`,
    'a query': path => `${path}?x=/api/tags`,
    'a null byte': path => `${path}%00`,
    'absolute form': path => `http://127.0.0.1${path}`,
    'absolute form, foreign': path => `http://evil.example${path}`,
    'another method by header': path => path,
  };

  for (const [method, path] of guarded) {
    test(`${method} ${path} is not reached without the admin key, however it is spelled`, async () => {
      for (const [name, spelled] of Object.entries(spell)) {
        const before_ = seen();
        const body = '{"model":"llama3.2","mode":"off"}';
        const override = name.endsWith('by header') ? `X-HTTP-Method-Override: ${method}\r\n` : '';
        const verb = override === '' ? method : 'GET';
        const answer = await raw(
          Number(new URL(worker.url).port),
          `${verb} ${spelled(path)} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${override}Content-Length: ${body.length}\r\n\r\n${body}`,
        );
        const status = statusOf(answer);
        assert.ok([400, 403, 404, 405].includes(status), `${name}: ${answer.text}`);
        assert.equal(seen(), before_, `${name}: Ollama saw it`);
      }
    });
  }

  test('a route says 403 with what to do, and a wrong key is told although none is needed', async () => {
    const refused = await ask({ url: worker.url }, '/api/pull', { model: 'x' });
    assert.equal(refused.status, 403);
    assert.match(String(json(refused)['error']), /role admin: without a key you are executor.*DECI_LOCAL_ROLE=admin/);
    const dummy = await ask({ url: worker.url, key: 'sk-unused' }, '/api/pull', { model: 'x' });
    assert.match(
      String(json(dummy)['error']),
      /role admin: the key that was sent is not known here, and without a key/,
    );
    const wrong = await ask({ url: worker.url, key: wrongKey }, '/api/tags');
    assert.equal(wrong.status, 401);
    assert.equal((await ask({ url: worker.url, key: 'sk-unused' }, '/api/tags')).status, 200);
  });

  test('what is refused is counted', async () => {
    const { text } = await ask({ url: worker.url, key: worker.key }, '/metrics');
    assert.match(text, /deci_auth_refused_total\{code="role_too_low"\} [1-9]/);
    assert.match(text, /deci_auth_refused_total\{code="key_not_valid"\} [1-9]/);
  });
});

test('a file of the admin key that holds something else ends the start with what to do', async () => {
  const home = mkdtempSync(join(tmpdir(), 'deci-'));
  try {
    mkdirSync(join(home, 'data'));
    writeFileSync(join(home, 'data', 'admin-key'), 'garbage');
    const { code, stderr } = await runScript(['src/main.ts'], clusterEnvironment(home, settings({})));
    assert.equal(code, 1);
    assert.match(stderr, /admin-key does not hold what belongs there; remove it/);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
