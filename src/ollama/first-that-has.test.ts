import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeciError } from '../kernel/errors.ts';
import { firstThatHas } from './first-that-has.ts';
import type { Attempt } from './ollama-pool.ts';
import type { UpstreamHost } from './upstream-host.ts';

const hosts = ['a', 'b'].map(name => ({ name }) as UpstreamHost);

/** What each host answers: a status with its sentence, or that it cannot be reached. */
function answers(replies: ReadonlyArray<{ status: number; error?: string } | 'unreachable'>) {
  return async (left: readonly UpstreamHost[]): Promise<Attempt> => {
    const host = left[0]!;
    const reply = replies[hosts.indexOf(host)]!;
    if (reply === 'unreachable') throw new DeciError('upstream_unreachable');
    const body = Buffer.from(JSON.stringify({ error: reply.error }));
    const exchange = {
      status: reply.status,
      headers: {},
      [Symbol.asyncIterator]: async function* () {
        yield body;
      },
    };
    return { host, exchange } as unknown as Attempt;
  };
}

const missing = { status: 404, error: "model 'x' not found" };

test('a host that lacks the model passes the request on to one that has it', async () => {
  const { host } = await firstThatHas(hosts, answers([missing, { status: 200 }]));
  assert.equal(host.name, 'b');
});

test('a model that the reachable host lacks is missing, even when another host cannot be asked', async () => {
  await assert.rejects(firstThatHas(hosts, answers([missing, 'unreachable'])), {
    code: 'model_not_found',
    status: 404,
  });
});

test('any other refusal ends the search', async () => {
  const busy = { status: 503, error: 'server busy' };
  await assert.rejects(firstThatHas(hosts, answers([busy, { status: 200 }])), {
    code: 'upstream_refused',
    status: 503,
  });
});
