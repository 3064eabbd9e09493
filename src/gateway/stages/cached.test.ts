import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testAsker } from '../../../test/support/test-asker.ts';
import { Recording } from '../../cache/recording.ts';
import { requestKey } from '../../cache/request-key.ts';
import { SingleFlight } from '../../cache/single-flight.ts';
import { DeciError } from '../../kernel/errors.ts';
import type { Generate, NativeStream } from '../generate.ts';
import { type GenerationJob, noWishes } from '../job.ts';
import { type CacheDeps, createCached } from './cached.ts';

const never = new AbortController().signal;
const body = '{"messages":[{"role":"user","content":"x"}]}';
const job: GenerationJob = { path: '/api/chat', model: 'm', body, tenant: 't', asker: testAsker };
const fixed: GenerationJob = { ...job, body: body.replace('{', '{"options":{"seed":1},') };
const done = '{"done":true,"done_reason":"stop"}\n';

function streamOf(...blocks: Array<string | Error>): NativeStream {
  const stream = {
    upstream: 'h',
    queueMs: 0,
    single: false,
    final: undefined as NativeStream['final'],
    async *[Symbol.asyncIterator]() {
      for (const block of blocks) {
        if (block instanceof Error) throw block;
        if (block.includes('"done":true')) stream.final = JSON.parse(block) as NativeStream['final'];
        yield Buffer.from(block);
      }
    },
  };
  return stream;
}

/** A cache that tells what was done with it. */
function setUp(next: Generate, refresh?: CacheDeps['refresh']) {
  const records = new Map<string, Recording>();
  const results: string[] = [];
  const state = { fresh: true, held: 0 };
  const find = (key: string): Recording | undefined => (state.fresh ? records.get(key) : undefined);
  const deps: CacheDeps = {
    cache: {
      begin: (model, tenant, tags) => ({ model, tenant, tags, epoch: 0, digest: undefined, changes: 0 }),
      fresh: find,
      freshShared: find,
      stale: key => records.get(key),
      hasRecent: () => false,
      hold: bytes => (state.held += bytes) > 0,
      letGo: bytes => void (state.held -= bytes),
      record: (key, lines) => records.set(key, new Recording(lines, { model: 'm', tenant: 't', recordedAtMs: 0 })),
    },
    flights: new SingleFlight(1000),
    election: { elect: async () => ({ resign: () => undefined }) },
    keyOf: request => requestKey(request),
    onResult: result => results.push(result),
    refresh,
  };
  return { generate: createCached(deps, next), records, results, state };
}

async function read(stream: NativeStream): Promise<string> {
  let text = '';
  for await (const block of stream) text += block.toString();
  return text;
}

test('what is complete is recorded, whoever asked; what is cut, empty or only loaded a model is not', async () => {
  for (const [blocks, kept] of [
    [['{"a":1}\n', done], true],
    [['{"a":1}\n', new DeciError('upstream_broken')], false],
    [['{"done":true,"done_reason":"load"}\n'], false],
    [['{"_debug_info":{}}\n'], false],
  ] as const) {
    for (const asked of [job, fixed]) {
      const { generate, records, state } = setUp(async () => streamOf(...blocks));
      await read(await generate(asked, never)).catch(() => undefined);
      assert.equal(records.size, kept ? 1 : 0, JSON.stringify(blocks));
      assert.equal(state.held, 0);
    }
  }
});

test('what was held of an answer that nobody reads on is given back when its request ends', async () => {
  const { generate, state } = setUp(async () => streamOf('{"a":1}\n', done));
  const leaving = new AbortController();
  await generate(job, leaving.signal);
  assert.ok(state.held > 0);
  leaving.abort(new DeciError('client_closed'));
  assert.equal(state.held, 0);
});

test('a failure before the first line is answered with an old answer, where there is one and it helps', async () => {
  let failure: DeciError | undefined;
  let inStream = false;
  const { generate, results, state } = setUp(async () => {
    if (failure !== undefined && !inStream) throw failure;
    return failure === undefined ? streamOf('{"a":1}\n', done) : streamOf(failure);
  });
  for (const asked of [job, fixed]) {
    failure = undefined;
    state.fresh = true;
    const answer = await read(await generate(asked, never));
    state.fresh = false;
    for (inStream of [false, true]) {
      failure = new DeciError('upstream_unreachable');
      const stale = await generate(asked, never);
      assert.deepEqual([stale.marks?.cache, stale.marks?.degraded, stale.upstream], ['stale', 'stale', undefined]);
      assert.equal(await read(stale), answer);
      const refusing = { ...asked, wishes: { ...noWishes, refuseDegraded: true } };
      await assert.rejects(generate(refusing, never), { code: 'upstream_unreachable' });
      await assert.rejects(generate({ ...asked, tenant: 'other' }, never), { code: 'upstream_unreachable' });
      failure = new DeciError('upstream_refused', { status: 400 });
      await assert.rejects(generate(asked, never), { code: 'upstream_refused' });
    }
  }
  assert.equal(results.filter(result => result === 'stale').length, 4);
});

test('a failure behind the first line is never covered up', async () => {
  const answers = [streamOf('{"a":1}\n', done), streamOf('{"a":2}\n', new DeciError('upstream_broken'))];
  const { generate } = setUp(async () => answers.shift() as NativeStream);
  await read(await generate(job, never));
  await assert.rejects(read(await generate(job, never)), { code: 'upstream_broken' });
});

test('whether an answer is nearly too old goes by the time of its virtual model', async () => {
  const ttls: Array<number | undefined> = [];
  const { generate } = setUp(async () => streamOf('{"a":1}\n', done), {
    isDue: (_, ttlMs) => ttls.push(ttlMs) < 0,
    run: async () => assert.fail('it is not due'),
  });
  for (const ttlMs of [5, 5, undefined]) {
    await read(await generate({ ...fixed, wishes: { ...noWishes, ttlMs } }, never));
  }
  assert.deepEqual(ttls, [5, undefined]);
});

test('switched off, everything is passed by', async () => {
  const generate = createCached(undefined, async () => streamOf(done));
  const stream = await generate(fixed, never);
  assert.equal(stream.marks?.cache, 'bypass');
  assert.equal(await read(stream), done);
});
