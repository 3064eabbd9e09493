import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { askSocket } from '../kernel/socket-request.ts';
import { type DoorRoutes, PrivateDoor } from './private-door.ts';

async function open(t: TestContext, routes: DoorRoutes, withFallback = false) {
  const dir = mkdtempSync(join(tmpdir(), 'deci-door-'));
  const socketPath = join(dir, 'door.sock');
  const fallback = withFallback
    ? { fallback: (_req: unknown, res: { end(text: string): void }) => res.end('public') }
    : {};
  const door = new PrivateDoor({ socketPath, routes, ...fallback });
  await door.open();
  t.after(() => {
    door.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return (method: 'GET' | 'HEAD' | 'POST', path: string) => askSocket({ socketPath, method, path, timeoutMs: 2000 });
}

test('a door answers what it knows, objects as JSON and text as it is', async t => {
  const ask = await open(t, {
    'GET /state': () => ({ body: { state: 'ready' } }),
    'GET /metrics': async () => ({ body: 'a 1\n' }),
    'POST /drain': () => ({ status: 202 }),
  });
  assert.deepEqual(await ask('GET', '/state'), { status: 200, text: '{"state":"ready"}' });
  assert.deepEqual(await ask('GET', '/metrics'), { status: 200, text: 'a 1\n' });
  assert.deepEqual(await ask('POST', '/drain'), { status: 202, text: '' });
});

test('another method or path is not an order, and an order that fails says why', async t => {
  const ask = await open(t, {
    'POST /live': () => {
      throw new Error('the port is taken');
    },
  });
  assert.equal((await ask('GET', '/live')).status, 404);
  assert.equal((await ask('POST', '/livelier')).status, 404);
  assert.deepEqual(await ask('POST', '/live'), { status: 500, text: '{"error":"the port is taken"}' });
});

test('what the door does not know goes to the public application', async t => {
  const ask = await open(t, { 'GET /state': () => ({ body: 'mine' }) }, true);
  assert.equal((await ask('GET', '/state')).text, 'mine');
  assert.equal((await ask('GET', '/api/tags')).text, 'public');
});
