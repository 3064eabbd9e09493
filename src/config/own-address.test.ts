import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { isOwnAddress } from './own-address.ts';

const cases: ReadonlyArray<[string, string, boolean]> = [
  ['http://127.0.0.1:3001', '127.0.0.1', true],
  ['http://localhost:3001/prefix', '127.0.0.1', true],
  ['http://127.0.0.1:3001', 'localhost', true],
  ['http://[::1]:3001', '::1', true],
  ['http://0.0.0.0:3001', '127.0.0.1', true],
  ['http://127.0.0.1:3001', '0.0.0.0', true],
  ['http://[::1]:3001', '::', true],
  ['http://GPU-box:3001', 'gpu-box', true],
  ['http://127.0.0.1:11434', '127.0.0.1', false],
  ['http://127.0.0.1', '127.0.0.1', false],
  // Another program may have the port there.
  ['http://127.0.0.2:3001', '127.0.0.1', false],
  ['http://127.0.0.1:3001', '10.1.2.3', false],
  ['http://10.1.2.3:3001', '127.0.0.1', false],
  ['http://gpu-box.example:3001', '0.0.0.0', false],
];

test('an address is our own when it leads to where we listen', () => {
  for (const [url, host, expected] of cases) assert.equal(isOwnAddress(url, host, 3001), expected, `${url} ${host}`);
  assert.equal(isOwnAddress('http://127.0.0.1', '127.0.0.1', 80), true, 'the port of the scheme');
  assert.equal(isOwnAddress('https://127.0.0.1', '127.0.0.1', 443), true);
});

test('listening everywhere, every address of this machine is our own', () => {
  for (const { address, family } of Object.values(networkInterfaces()).flatMap(list => list ?? [])) {
    const url = `http://${family === 'IPv6' ? `[${address.replace(/%.*$/, '')}]` : address}:3001`;
    assert.equal(isOwnAddress(url, '0.0.0.0', 3001), true, url);
  }
});
