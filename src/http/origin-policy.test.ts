import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corsHeaders, OriginPolicy, preflightHeaders } from './origin-policy.ts';

const host = 'localhost:3001';

/** A flat list of headers as an object, names in lower case. */
function byName(flat: readonly string[]): Record<string, string> {
  const entries: Array<[string, string]> = [];
  for (let i = 0; i < flat.length; i += 2) entries.push([flat[i]!.toLowerCase(), flat[i + 1]!]);
  return Object.fromEntries(entries);
}

test('a page of our own is the same origin', () => {
  const policy = new OriginPolicy([]);
  assert.equal(policy.judge('http://ai.example:3001', 'ai.example:3001'), 'same');
  assert.equal(policy.judge('https://ai.example', 'ai.example'), 'same');
});

test('local pages and app schemes are allowed, on any port', () => {
  const policy = new OriginPolicy([]);
  for (const origin of [
    'http://localhost',
    'https://localhost:5173',
    'http://127.0.0.1:8080',
    'https://0.0.0.0:1',
    'app://obsidian.md',
    'file://',
    'tauri://localhost',
    'vscode-webview://abc',
    'vscode-file://vscode-app',
  ]) {
    assert.equal(policy.judge(origin, host), 'allowed', origin);
  }
});

test('everything else is refused', () => {
  const policy = new OriginPolicy([]);
  for (const origin of [
    'https://evil.example',
    'http://localhost.evil.example',
    'http://evil.example/localhost',
    'https://127.0.0.1.evil.example',
    'http://xlocalhost',
    'null',
    'evil',
    'http://localhost\nx',
    'chrome-extension://abc',
  ]) {
    assert.equal(policy.judge(origin, host), 'refused', origin);
  }
});

test('an origin of the configuration is allowed as it is, and its dots are dots', () => {
  const policy = new OriginPolicy(['https://chat.example']);
  assert.equal(policy.judge('https://chat.example', host), 'allowed');
  for (const origin of [
    'https://chatxexample',
    'http://chat.example',
    'https://chat.example:8443',
    'https://chat.example.evil',
  ]) {
    assert.equal(policy.judge(origin, host), 'refused', origin);
  }
});

test('an asterisk in an origin matches anything, alone or inside', () => {
  assert.equal(new OriginPolicy(['https://*.example']).judge('https://a.b.example', host), 'allowed');
  assert.equal(new OriginPolicy(['https://*.example']).judge('https://example', host), 'refused');
  assert.equal(new OriginPolicy(['*']).judge('https://anything', host), 'allowed');
});

test('an allowed origin is named back, and caches are told', () => {
  const headers = byName(corsHeaders('https://chat.example'));
  assert.equal(headers['access-control-allow-origin'], 'https://chat.example');
  assert.equal(headers['vary'], 'Origin');
  assert.match(headers['access-control-expose-headers'] ?? '', /X-Request-Id/);
});

test("a preflight allows Ollama's methods, and the headers of its clients, OpenAI's and Anthropic's, for 12 hours", () => {
  const headers = byName(preflightHeaders('https://chat.example'));
  assert.equal(headers['access-control-allow-methods'], 'GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS');
  assert.equal(headers['access-control-max-age'], '43200');
  const allowed = new Set(headers['access-control-allow-headers']?.toLowerCase().split(','));
  for (const name of [
    'authorization',
    'content-type',
    'user-agent',
    'accept',
    'x-requested-with',
    'openai-beta',
    'x-stainless-lang',
    'x-stainless-retry-count',
    'x-api-key',
    'anthropic-version',
    'anthropic-dangerous-direct-browser-access',
  ]) {
    assert.ok(allowed.has(name), name);
  }
});
