import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, errorCatalogue } from './error-catalogue.ts';

const codes = Object.keys(errorCatalogue) as ErrorCode[];

test('every code has an error status, a known fault and words for the client', () => {
  for (const code of codes) {
    const { status, fault, message } = errorCatalogue[code];
    assert.ok(status >= 400 && status <= 599, code);
    assert.ok(['client', 'deci', 'ollama'].includes(fault), code);
    assert.notEqual(message, '', code);
  }
});

test('a fault of the client is a 4xx or 501, every other one a 5xx', () => {
  for (const code of codes) {
    const { status, fault } = errorCatalogue[code];
    if (fault === 'client') assert.ok(status < 500 || status === 501, code);
    else assert.ok(status >= 500, code);
  }
});
