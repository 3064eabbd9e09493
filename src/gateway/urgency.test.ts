import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Urgency } from './urgency.ts';

test('it rises to the class of whoever wants it most, and never falls', () => {
  const urgency = new Urgency('background');
  const told: string[] = [];
  assert.equal(urgency.isOpen, false, 'nobody waits');
  urgency.onRaised = () => told.push(urgency.priority);
  for (const to of ['background', 'nonsense', 'batch', 'background', 'interactive', 'batch']) urgency.raise(to);
  assert.deepEqual(told, ['batch', 'interactive']);
  assert.equal(urgency.isOpen, false, 'nothing is more urgent');
});
