import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Setting } from './setting.ts';
import { settings } from './settings.ts';

const table: ReadonlyArray<[string, Setting<unknown>]> = Object.entries(settings);

test('every default is a value of its own type', () => {
  for (const [name, { type, default: preset }] of table) {
    if (preset !== undefined) assert.notEqual(type.parse(preset), undefined, name);
  }
});

test('every setting says what it means in a sentence, and what it expects', () => {
  for (const [name, { type, meaning }] of table) {
    assert.match(meaning, /^[A-Z`].*\.$/, name);
    assert.notEqual(type.expected, '', name);
  }
});

test('names are those of environment variables', () => {
  for (const [name] of table) assert.match(name, /^[A-Z][A-Z0-9_]*$/);
});

test('the documented names and defaults of the service hold', () => {
  const preset = (name: keyof typeof settings): string | undefined => (settings[name] as Setting<unknown>).default;
  assert.equal(preset('PORT'), '3001');
  assert.equal(preset('HOST'), '127.0.0.1');
  assert.equal(preset('OLLAMA_URLS'), 'http://127.0.0.1:11434');
  assert.equal(preset('DECI_WORKERS'), '2');
  assert.equal(preset('INFERENCE_BODY_LIMIT'), '32mb');
  assert.equal(preset('DRAIN_TIMEOUT'), '120s');
});
