import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
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

const stateOf = (host: ListedHost, state: ListedHost['state']): ListedHost => ({ ...host, state });
const listing = (list: () => Promise<unknown>, name = 'h'): ListedHost => ({
  ...hostWith([]),
  name,
  client: { list: list as ListedHost['client']['list'], ps: list as ListedHost['client']['ps'] },
});

test('where hosts have something else under one name, the row says what each has', async () => {
  const hosts = ['1', '2', '1'].map((digest, index) => ({
    ...hostWith([
      { ...row('a'), digest },
      { ...row('b'), digest: 'same' },
    ]),
    name: `h${index}`,
  }));
  assert.deepEqual(await mergedTags(hosts, context), [
    { ...row('a'), digest: '1', deci: { differs: true, digests: { h0: '1', h1: '2', h2: '1' } } },
    { ...row('b'), digest: 'same' },
  ]);
});

test('a host that hangs is left out after a second, one that is known to be away is not asked', async () => {
  const hangs = listing(() => Promise.withResolvers<never>().promise);
  const asked: string[] = [];
  const away = (['down', 'silent'] as const).map(is =>
    stateOf(
      listing(async () => void asked.push(is)),
      { is },
    ),
  );
  const startedAt = performance.now();
  assert.deepEqual(await mergedTags([hangs, ...away, hostWith([row('a')])], context), [row('a')]);
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs > 900 && tookMs < 4000, String(tookMs));
  assert.deepEqual(asked, []);
});

test('where nobody else is left, all are asked and waited for', async () => {
  const slow = listing(async () => {
    await delay(1200);
    return { models: [row('late')] };
  });
  const hangs = listing(() => Promise.withResolvers<never>().promise);
  assert.deepEqual(await mergedTags([hangs, slow], context), [row('late')]);
  assert.deepEqual(await mergedTags([stateOf(hostWith([row('a')]), { is: 'silent' })], context), [row('a')]);
  const refusing = listing(async () => {
    throw new Error('no');
  });
  await assert.rejects(mergedTags([refusing, stateOf(hostWith([row('a')]), { is: 'down' })], context), {
    code: 'upstream_unreachable',
  });
});
