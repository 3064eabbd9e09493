import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostOutlook } from './host-outlook.ts';

test('an outage is as old as the loss of the host that was there last; of none that ever was, there is none', () => {
  let nowMs = 0;
  const outlook = new HostOutlook(['a', 'b', 'never'], () => nowMs);
  outlook.lost('never');
  assert.equal(outlook.outageMs(), undefined);
  outlook.heard('a');
  outlook.heard('b');
  assert.equal(outlook.outageMs(), 0);
  nowMs = 100;
  outlook.lost('a');
  assert.equal(outlook.outageMs(), 0, 'b is there');
  nowMs = 300;
  outlook.lost('b');
  outlook.lost('a');
  nowMs = 350;
  assert.equal(outlook.outageMs(), 50);
  outlook.served('a');
  assert.equal(outlook.outageMs(), 0);
});

test('hosts are overloaded when most of them refused five times in a row', () => {
  const outlook = new HostOutlook(['a', 'b'], () => 0);
  for (let refusal = 0; refusal < 5; refusal++) outlook.busy('a');
  assert.equal(outlook.overloaded(), false);
  for (let refusal = 0; refusal < 5; refusal++) outlook.busy('b');
  assert.equal(outlook.overloaded(), true);
  outlook.served('a');
  assert.equal(outlook.overloaded(), false);
});
