import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Request, Response } from 'express';
import { RequestContext } from '../request-context.ts';
import { type ListedHost, mergedTags } from './native-lists.ts';

const context = new RequestContext('req_1', { url: '/' } as Request, {} as Response);
const row = (name: string) => ({ name, modified_at: 't', expires_at: 't' });

/** @param models what the host writes, whatever its type */
function hostWith(models: unknown): ListedHost {
  const list = async () => ({ models }) as Awaited<ReturnType<ListedHost['client']['list']>>;
  return { name: 'h', client: { list, ps: list }, state: { is: 'up' } };
}

test('a host that writes null for its models has none', async () => {
  assert.deepEqual(await mergedTags([hostWith(null)], context), []);
  assert.deepEqual(await mergedTags([hostWith(undefined), hostWith([row('a')])], context), [row('a')]);
});

test('what is no list of models does not fail the list of the others', async () => {
  const hosts = [hostWith('x'), hostWith([null, 1, {}, { name: 5 }]), hostWith([row('a')])];
  assert.deepEqual(await mergedTags(hosts, context), [row('a')]);
});
