import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allHosts, type HostFacts, hostsFor } from './choose-host.ts';

interface Named extends HostFacts {
  readonly name: string;
}

const plain: HostFacts = {
  isDown: false,
  isSilent: false,
  isLoadingOther: false,
  isDraining: false,
  isFailing: false,
  has: true,
  isLoaded: false,
  hasPrefix: false,
  inFlight: 0,
  weight: 1,
};

function order(facts: Readonly<Record<string, Partial<HostFacts>>>, choose = hostsFor<Named>): string[] {
  const hosts = Object.entries(facts).map(([name, over]) => ({ name, ...plain, ...over }));
  return choose(hosts).map(({ name }) => name);
}

test('each reason counts more than those behind it', () => {
  const better: ReadonlyArray<Partial<HostFacts>> = [
    { isFailing: false },
    { isLoaded: true },
    { isLoadingOther: false },
    { inFlight: 0 },
    { hasPrefix: true },
    { weight: 2 },
  ];
  const worse: ReadonlyArray<Partial<HostFacts>> = [
    { isFailing: true },
    { isLoaded: false },
    { isLoadingOther: true },
    { inFlight: 4 },
    { hasPrefix: false },
    { weight: 1 },
  ];
  for (let reason = 0; reason < better.length; reason++) {
    // The second host has everything that counts less, and still comes second.
    const a = Object.assign({}, ...worse.slice(reason + 1), better[reason]) as Partial<HostFacts>;
    const b = Object.assign({}, ...better.slice(reason + 1), worse[reason]) as Partial<HostFacts>;
    assert.deepEqual(order({ b, a }), ['a', 'b'], `reason ${reason}`);
  }
});

test('equals keep the order of their turn; work is divided by weight', () => {
  assert.deepEqual(order({ b: {}, a: {} }), ['b', 'a']);
  assert.deepEqual(order({ a: { inFlight: 2 }, b: { inFlight: 3, weight: 3 } }), ['b', 'a']);
});

test('only hosts of the best kind are asked: up before down, having the model or not known before not having it', () => {
  assert.deepEqual(order({ down: { isDown: true }, up: { inFlight: 9 } }), ['up']);
  assert.deepEqual(order({ without: { has: false }, with: {}, unknown: { has: undefined } }), ['with', 'unknown']);
  assert.deepEqual(order({ without: { has: false }, down: { isDown: true } }), ['down']);
  assert.deepEqual(order({ without: { has: false }, both: { has: false, isDown: true } }), ['without']);
});

test('a host that is kept free gets no work, and is asked last for what any host may answer', () => {
  assert.deepEqual(order({ free: { isDraining: true }, down: { isDown: true } }), ['down']);
  assert.deepEqual(order({ free: { isDraining: true } }), []);
  assert.deepEqual(order({ free: { isDraining: true }, busy: { inFlight: 3 }, idle: {} }, allHosts<Named>), [
    'idle',
    'busy',
    'free',
  ]);
});
