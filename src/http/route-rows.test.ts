import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routeRows } from './route-rows.ts';

const rows = routeRows();

/** They change what everybody uses, and take nothing away. */
const forEditors = ['POST /api/admin/models', 'PUT /api/admin/models/*name'];

test('what administers asks for a role, and what it changes for the admin', () => {
  const guarded = rows.filter(({ path }) => path.startsWith('/api/admin/') || path.startsWith('/api/journal'));
  assert.ok(guarded.length > 0);
  for (const { method, path, role } of guarded) {
    assert.notEqual(role, 'public', `${method} ${path}`);
    const expected = forEditors.includes(`${method} ${path}`) ? 'editor' : 'admin';
    if (!['GET', 'HEAD'].includes(method)) assert.equal(role, expected, `${method} ${path}`);
  }
});

test('nobody is let in without a role but to probes and the description of the routes', () => {
  const open = [...new Set(rows.filter(({ role }) => role === 'public').map(({ path }) => path))].toSorted();
  const health = ['', '/live', '/ready', '/startup'].flatMap(kind => [`/api/health${kind}`, `/api/v2/health${kind}`]);
  assert.deepEqual(open, ['/', '/health', '/openapi.json', ...health].toSorted());
});
