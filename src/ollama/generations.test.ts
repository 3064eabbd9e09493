import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Generations } from './generations.ts';
import { UpstreamExchange } from './upstream-exchange.ts';

test('what only embeds is work, and no model that is expected to say something meanwhile', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const generations = new Generations();
  const limits = { firstMs: 1000, stallMs: 1000, totalMs: 1000 };
  const exchange = new UpstreamExchange(limits, new AbortController().signal, () => undefined);
  const over = generations.add({ exchange, model: 'e', bytes: 900, embeds: true });
  assert.deepEqual(generations.work(), { inFlight: 1, models: [], unreadBytes: 0 });
  generations.add({ exchange, model: 'm', bytes: 40, embeds: false });
  over();
  assert.deepEqual(generations.work(), { inFlight: 1, models: ['m'], unreadBytes: 40, unreadModel: 'm' });
});
