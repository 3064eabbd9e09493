import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { DeciError } from '../kernel/errors.ts';
import { validateBody, validateQuery } from './validate.ts';

const journal = (query: string) => validateQuery('GET /api/journal', `/api/journal${query}`);
const healer = (body: unknown) => validateBody('PUT /api/admin/healers/:name', body);

async function refusalOf(validation: Promise<unknown>): Promise<[message: string, param: string | undefined]> {
  const error: unknown = await validation.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof DeciError && error.code === 'invalid_request', String(error));
  return [error.message, error.param];
}

test('a query is read with its types, and with defaults for what it leaves out', async () => {
  assert.deepEqual(await journal(''), { limit: 50 });
  assert.deepEqual(await journal('?'), { limit: 50 });
  assert.deepEqual(await journal('?limit=7&healer=breaker&cursor=01KB0000000000000000000000'), {
    limit: 7,
    healer: 'breaker',
    cursor: '01KB0000000000000000000000',
  });
});

test('a wrong query is refused with the name of the member and what it must be', async () => {
  assert.deepEqual(await refusalOf(journal('?limit=0')), ['limit must be at least 1', 'limit']);
  assert.deepEqual(await refusalOf(journal('?limit=501')), ['limit must be at most 500', 'limit']);
  assert.deepEqual(await refusalOf(journal('?limit=many')), ['limit must be a number', 'limit']);
  assert.deepEqual(await refusalOf(journal('?limit=1.5')), ['limit must be an integer', 'limit']);
  for (const wrong of ['', 'zzz', '01KB']) {
    const [message, param] = await refusalOf(journal(`?cursor=${wrong}`));
    assert.deepEqual([message, param], ['cursor is not valid: it is not the id of a record', 'cursor']);
  }
  assert.deepEqual(await refusalOf(journal('?page=2')), ['page is not known here', 'page']);
  assert.deepEqual(await refusalOf(journal('?limit=1&limit=2')), ['limit is given more than once', 'limit']);
  assert.deepEqual(await refusalOf(journal('?__proto__=1')), ['__proto__ is not known here', '__proto__']);
});

test('a body is read, or refused in words', async () => {
  assert.deepEqual(await healer({ mode: 'dry_run' }), { mode: 'dry_run' });
  assert.deepEqual(await refusalOf(healer({})), ['mode is required', 'mode']);
  assert.deepEqual(await refusalOf(healer({ mode: 'maybe' })), ["mode must be 'on' or 'dry_run' or 'off'", 'mode']);
  assert.deepEqual(await refusalOf(healer({ mode: 'on', since: 1 })), ['since is not known here', 'since']);
  assert.deepEqual(await refusalOf(healer([])), ['the request must be an object', undefined]);
});

test('zod is loaded by the first validation, and neither by the routes nor by what checks them', () => {
  const program = `
    const loaded = [];
    process.getBuiltinModule('node:module').registerHooks({
      load(url, context, next) { if (url.includes('/zod/')) loaded.push(url); return next(url, context); },
    });
    await import('./src/app/create-worker.ts');
    const { validateQuery } = await import('./src/http/validate.ts');
    const before = loaded.length;
    await validateQuery('GET /api/journal', '/api/journal');
    console.log(JSON.stringify([before, loaded.length > 0]));
  `;
  const root = new URL('../..', import.meta.url);
  const answer = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.deepEqual(JSON.parse(answer), [0, true]);
});
