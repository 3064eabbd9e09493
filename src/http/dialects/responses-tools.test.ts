import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readResponsesTools } from './responses-tools.ts';

test('functions are offered in the native form', () => {
  const parameters = { type: 'object', properties: { city: { type: 'string' } } };
  assert.deepEqual(
    readResponsesTools({ tools: [{ type: 'function', name: 'weather', description: 'Says it', parameters }] }),
    [{ type: 'function', function: { name: 'weather', description: 'Says it', parameters } }],
  );
});

test('the members of a namespace are offered under their full names', () => {
  const members = [
    { type: 'function', name: 'send' },
    { type: 'function', name: 'mail.read' },
  ];
  const names = readResponsesTools({ tools: [{ type: 'namespace', name: 'mail', tools: members }] }).map(
    tool => tool.function.name,
  );
  assert.deepEqual(names, ['mail.send', 'mail.read']);
});

test('tools that OpenAI runs itself are left out', () => {
  assert.deepEqual(readResponsesTools({ tools: [{ type: 'web_search' }, { type: 'file_search' }] }), []);
});

test('a function without a name is refused', () => {
  assert.throws(() => readResponsesTools({ tools: [{ type: 'function' }] }), /tools\[0\]\.name is required/);
});
