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
  return async (method: 'GET' | 'POST', path: string): Promise<[status: number, text: string]> => {
    const { status, text } = await askSocket({ socketPath, method, path, timeoutMs: 2000 });
    return [status, text];
  };
}

test('a door answers what it knows, objects as JSON and text as it is', async t => {
  const ask = await open(t, {
    'GET /state': () => ({ body: { state: 'ready' } }),
    'GET /metrics': async () => ({ body: 'a 1\n' }),
    'POST /drain': () => ({ status: 202 }),
  });
  assert.deepEqual(await ask('GET', '/state'), [200, '{"state":"ready"}']);
  assert.deepEqual(await ask('GET', '/metrics'), [200, 'a 1\n']);
  assert.deepEqual(await ask('POST', '/drain'), [202, '']);
});

test('another method or path is not an order, and an order that fails says why', async t => {
  const ask = await open(t, {
    'POST /live': () => {
      throw new Error('the port is taken');
    },
  });
  assert.equal((await ask('GET', '/live'))[0], 404);
  assert.equal((await ask('POST', '/livelier'))[0], 404);
  assert.deepEqual(await ask('POST', '/live'), [500, '{"error":"the port is taken"}']);
});

test('what the door does not know goes to the public application', async t => {
  const ask = await open(t, { 'GET /state': () => ({ body: 'mine' }) }, true);
  assert.deepEqual(await ask('GET', '/state'), [200, 'mine']);
  assert.deepEqual(await ask('GET', '/api/tags'), [200, 'public']);
});
