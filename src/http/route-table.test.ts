import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Route, RouteTable } from './route-table.ts';

function route(method: Route['method'], path: string): Route {
  return {
    method,
    path,
    dialect: 'ollama',
    role: 'viewer',
    body: 'none',
    rate: 'default',
    time: 'short',
    handler: () => undefined,
  };
}

const table = new RouteTable([
  route('GET', '/'),
  route('GET', '/api/tags'),
  route('HEAD', '/api/tags'),
  route('HEAD', '/api/blobs/:digest'),
  route('POST', '/api/blobs/:digest'),
  route('GET', '/v1/models'),
  route('GET', '/v1/models/*model'),
  route('GET', '/a.b/:x/c/:y'),
]);

const matched = (method: string, path: string) => {
  const { route: found, params } = table.match(method, path);
  return [`${found.method} ${found.path}`, { ...params }];
};

test('a path without parameters is found by its method', () => {
  assert.deepEqual(matched('GET', '/api/tags'), ['GET /api/tags', {}]);
  assert.deepEqual(matched('HEAD', '/api/tags'), ['HEAD /api/tags', {}]);
  assert.deepEqual(matched('GET', '/'), ['GET /', {}]);
});

test('a parameter takes one segment, decoded', () => {
  assert.deepEqual(matched('POST', '/api/blobs/sha256:ab'), ['POST /api/blobs/:digest', { digest: 'sha256:ab' }]);
  assert.deepEqual(matched('HEAD', '/api/blobs/sha256%3Aab'), ['HEAD /api/blobs/:digest', { digest: 'sha256:ab' }]);
  assert.deepEqual(matched('GET', '/a.b/1/c/2'), ['GET /a.b/:x/c/:y', { x: '1', y: '2' }]);
});

test('a rest takes slashes too, plain or encoded', () => {
  for (const id of ['llama3.2', 'hf.co/user/repo:tag', 'hf.co%2Fuser%2Frepo:tag']) {
    assert.deepEqual(matched('GET', `/v1/models/${id}`)[1], { model: decodeURIComponent(id) });
  }
});

test('an unknown path is 404, with the words of Ollama', () => {
  const unknown = [
    '/nothing',
    '/api/tags/',
    '/API/tags',
    '/api/blobs/',
    '/api/blobs/a/b',
    '/v1/models/',
    '/aXb/1/c/2',
    '//api/tags',
    '',
    '*',
    '/__proto__',
    '/constructor',
  ];
  for (const path of unknown) {
    const expected = { code: 'route_not_found', status: 404, message: '404 page not found' };
    assert.throws(() => table.match('GET', path), expected, path);
  }
});

test('a known path with another method is 405, with the words of Ollama', () => {
  const expected = { code: 'method_not_allowed', status: 405, message: '405 method not allowed' };
  for (const [method, path] of [
    ['POST', '/api/tags'],
    ['GET', '/api/blobs/x'],
    ['DELETE', '/v1/models/a/b'],
    ['constructor', '/api/tags'],
    ['get', '/api/tags'],
  ] as const) {
    assert.throws(() => table.match(method, path), expected, `${method} ${path}`);
  }
});

test('a parameter that cannot be decoded is a bad target', () => {
  for (const path of ['/api/blobs/%', '/api/blobs/%zz', '/v1/models/%E0%A4%A']) {
    const method = path.startsWith('/v1') ? 'GET' : 'POST';
    assert.throws(() => table.match(method, path), { code: 'bad_target', status: 400 }, path);
  }
});

test('the methods of a path are told, none for an unknown one', () => {
  assert.deepEqual(table.methods('/api/tags'), ['GET', 'HEAD']);
  assert.deepEqual(table.methods('/api/blobs/x'), ['HEAD', 'POST']);
  assert.deepEqual(table.methods('/v1/models/a/b'), ['GET']);
  assert.deepEqual(table.methods('/nothing'), []);
});
