import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { createHostCheck, readTarget } from './host-policy.ts';

interface Target {
  readonly url?: string;
  readonly method?: string;
  readonly hosts?: readonly string[];
  readonly httpVersion?: string;
}

function target({ url = '/', method = 'GET', hosts = ['localhost'], httpVersion = '1.1' }: Target) {
  const req = {
    url,
    method,
    httpVersion,
    headers: hosts[0] === undefined ? {} : { host: hosts[0] },
    rawHeaders: ['Accept', 'host', ...hosts.flatMap((host, i) => [i % 2 === 0 ? 'Host' : 'hOST', host])],
  };
  return readTarget(req as unknown as IncomingMessage);
}

test('the path is what stands before the query', () => {
  assert.deepEqual(target({ url: '/api/tags?x=1?y' }), {
    host: 'localhost',
    path: '/api/tags',
    pathAndQuery: '/api/tags?x=1?y',
  });
  assert.deepEqual(target({ url: '/?' }), { host: 'localhost', path: '/', pathAndQuery: '/?' });
});

test('Host is a name, an IPv4 address or a bracketed IPv6 address, with or without a port', () => {
  const good = [
    'localhost',
    'localhost:3001',
    'a',
    'a.b-c_d.example.',
    '127.0.0.1:65535',
    '[::1]',
    '[fe80::1]:80',
    'LOCALHOST',
  ];
  for (const host of good) assert.equal(target({ hosts: [host] }).host, host);
});

test('a Host that is none of these is refused', () => {
  const bad = [
    '',
    ' ',
    'a b',
    'a/b',
    'user@host',
    'a:b',
    'a:',
    'a:99999',
    'a:123456',
    '::1',
    '[::1',
    '[g::1]',
    '-a',
    'a,b',
    'a\tb',
    'ä',
    'a"',
  ];
  for (const host of bad) assert.throws(() => target({ hosts: [host] }), { code: 'bad_host', status: 400 }, host);
});

test('a missing Host is refused in HTTP/1.1 and means ourselves in HTTP/1.0', () => {
  assert.throws(() => target({ hosts: [] }), { code: 'bad_host' });
  assert.equal(target({ hosts: [], httpVersion: '1.0' }).host, 'localhost');
});

test('two Host headers are refused, even the same twice', () => {
  assert.throws(() => target({ hosts: ['localhost', 'localhost'] }), { code: 'bad_host' });
});

test('the absolute form brings its own authority', () => {
  assert.deepEqual(target({ url: 'http://gateway:80/api/tags?x', hosts: ['localhost'] }), {
    host: 'gateway:80',
    path: '/api/tags',
    pathAndQuery: '/api/tags?x',
  });
  assert.deepEqual(target({ url: 'HTTPS://gateway' }), { host: 'gateway', path: '/', pathAndQuery: '/' });
});

test('an absolute form that is malformed is refused', () => {
  const bad = [
    'http://',
    'http:///x',
    'http://a b/',
    'http://user@host/',
    'ftp://a/',
    'localhost:80',
    'api/tags',
    '',
    'http://a:99999/',
  ];
  for (const url of bad) assert.throws(() => target({ url }), { code: 'bad_target', status: 400 }, url);
});

test('an absolute form without a path may have a query', () => {
  assert.deepEqual(target({ url: 'http://gateway?x=1' }), { host: 'gateway', path: '/', pathAndQuery: '/?x=1' });
});

test('a fragment is no part of a target', () => {
  for (const url of ['/a#b', 'http://a/#b']) assert.throws(() => target({ url }), { code: 'bad_target' }, url);
});

test('the asterisk is for OPTIONS only', () => {
  assert.equal(target({ url: '*', method: 'OPTIONS' }).path, '*');
  assert.throws(() => target({ url: '*' }), { code: 'bad_target' });
});

test('on loopback, local names and private addresses are served', () => {
  const check = createHostCheck(true, []);
  const local = [
    'localhost',
    'LocalHost:3001',
    'localhost.',
    'app.localhost:80',
    'printer.local',
    'host.docker.internal:3001',
    hostname(),
    '127.0.0.1:3001',
    '127.8.8.8',
    '0.0.0.0',
    '10.1.2.3',
    '192.168.0.7:80',
    '172.16.0.1',
    '172.31.255.1',
    '169.254.1.1',
    '[::1]:3001',
    '[::]',
    '[fd00::1]',
    '[fe80::1]',
    '[::ffff:127.0.0.1]',
  ];
  for (const host of local) assert.equal(check(host), true, host);
});

test('on loopback, foreign names and public addresses are refused: a page may have been pointed at us', () => {
  const check = createHostCheck(true, []);
  const foreign = [
    'evil.example',
    'localhost.evil.example',
    'evil-localhost',
    'notlocal',
    '8.8.8.8',
    '172.15.0.1',
    '172.32.0.1',
    '193.168.0.1',
    '127.0.0.1.evil.example',
    '127.evil.example',
    '10.evil.example',
    '[2001:db8::1]',
    '[::ffff:8.8.8.8]',
  ];
  for (const host of foreign) assert.equal(check(host), false, host);
});

test('names that are allowed are served in any case, on any port, and no other', () => {
  const check = createHostCheck(true, ['AI.Example.com']);
  assert.equal(check('ai.example.com'), true);
  assert.equal(check('AI.example.com:8443'), true);
  assert.equal(check('www.ai.example.com'), false);
});

test('private addresses in IPv4-mapped form are as private as in their own', () => {
  const check = createHostCheck(true, []);
  for (const host of ['[::ffff:192.168.0.1]', '[::ffff:172.16.0.1]']) assert.equal(check(host), true, host);
});

test('off loopback every name is served', () => {
  assert.equal(createHostCheck(false, [])('evil.example'), true);
});

test('verdicts stay right behind a flood of names', () => {
  const check = createHostCheck(true, []);
  for (let i = 0; i < 1000; i++) assert.equal(check(`n${i}.evil.example`), false);
  assert.equal(check('localhost'), true);
  assert.equal(check('n5.evil.example'), false);
  assert.equal(check('n999.evil.example'), false);
});
