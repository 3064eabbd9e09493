import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTokens, cutAtStop, echoedText, thinkingTokens, tokenize } from './answers.ts';
import { normalize, rawEmbedding } from './embedding-vector.ts';
import { jsonFromSchema } from './json-from-schema.ts';
import { logprobOf } from './logprobs.ts';
import { toolCallsFor } from './tool-calls.ts';

test('equal requests get equal words, different requests different words', () => {
  const say = (seed: string) => answerTokens(undefined, seed, -1, 20).tokens.join('');
  assert.equal(say('one'), say('one'));
  assert.notEqual(say('one'), say('two'));
});

test('num_predict sets the number of words, and a shorter answer begins the longer one', () => {
  const short = answerTokens(undefined, 'seed', 5, 20);
  const long = answerTokens(undefined, 'seed', 50, 20);
  assert.equal(short.tokens.length, 5);
  assert.equal(short.reason, 'length');
  assert.deepEqual(long.tokens.slice(0, 5), short.tokens);
  assert.equal(answerTokens(undefined, 'seed', -1, 7).reason, 'stop');
});

test('a fixed text is cut by num_predict only when it is longer', () => {
  assert.equal(answerTokens('short', '', 100, 20).reason, 'stop');
  const cut = answerTokens('a rather long sentence', '', 2, 20);
  assert.deepEqual([cut.tokens.length, cut.reason], [2, 'length']);
});

test('tokens never split a character and always join to the text', () => {
  for (const text of ['Grüße 😀😀😀 dort', '  two\n\nlines\t', '👩‍👩‍👧‍👦 family', '東京タワー', '']) {
    const tokens = tokenize(text);
    assert.equal(tokens.join(''), text);
    for (const token of tokens) assert.equal(Buffer.from(token).toString(), token);
  }
});

test('echo asks for exactly the text behind it', () => {
  assert.equal(echoedText('please echo:Hello  World\n!'), 'Hello  World\n!');
  assert.equal(echoedText('echo'), undefined);
});

test('a stop sequence ends the answer before itself', () => {
  assert.equal(cutAtStop(tokenize('one two STOP three'), ['never', 'STOP']).join(''), 'one two ');
  const tokens = tokenize('one two');
  assert.equal(cutAtStop(tokens, ['x']), tokens);
});

test('thinking is longer at a higher level and absent when it is switched off', () => {
  assert.equal(thinkingTokens('seed', false).length, 0);
  assert.ok(thinkingTokens('seed', 'low').length < thinkingTokens('seed', 'high').length);
});

test('a JSON schema is answered with a value that fits it', () => {
  const schema = {
    type: 'object',
    required: ['name', 'age', 'kind', 'tags', 'home', 'choice', 'fixed', 'maybe'],
    properties: {
      name: { type: 'string', minLength: 3, maxLength: 12 },
      age: { type: 'integer', minimum: 18, maximum: 20 },
      ratio: { type: 'number', minimum: 0, maximum: 1 },
      kind: { enum: ['cat', 'dog'] },
      tags: { type: 'array', items: { type: 'boolean' }, minItems: 3 },
      home: { $ref: '#/$defs/address' },
      choice: { anyOf: [{ type: 'integer' }, { type: 'integer', minimum: 5 }] },
      fixed: { const: 42 },
      maybe: { type: ['null', 'integer'] },
    },
    $defs: { address: { type: 'object', properties: { street: { type: 'string' } }, required: ['street'] } },
  };
  for (const seed of ['a', 'b', 'c', 'd', 'e']) {
    const value = jsonFromSchema(schema, seed) as Record<string, unknown>;
    assert.deepEqual(jsonFromSchema(schema, seed), value);
    assert.deepEqual(Object.keys(value).sort(), Object.keys(schema.properties).sort());
    const name = value['name'] as string;
    const [age, ratio] = [value['age'] as number, value['ratio'] as number];
    assert.ok(name.length >= 3 && name.length <= 12);
    assert.ok(Number.isInteger(age) && age >= 18 && age <= 20, `age ${age}`);
    assert.ok(ratio >= 0 && ratio <= 1, `ratio ${ratio}`);
    assert.ok(['cat', 'dog'].includes(value['kind'] as string));
    assert.equal((value['tags'] as boolean[]).length, 3);
    assert.equal(typeof (value['home'] as Record<string, unknown>)['street'], 'string');
    assert.ok(Number.isInteger(value['choice']));
    assert.equal(value['fixed'], 42);
    assert.ok(Number.isInteger(value['maybe']));
  }
});

test('a schema that contains itself ends', () => {
  const schema = {
    $defs: {
      node: {
        type: 'object',
        properties: { next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
        required: ['next'],
      },
    },
    $ref: '#/$defs/node',
  };
  assert.ok(JSON.stringify(jsonFromSchema(schema, 'seed')).length < 2000);
});

test('the tools that the text names are called, with arguments from their schema', () => {
  const tool = (name: string) => ({
    type: 'function',
    function: { name, parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
  });
  const tools = [tool('get_time'), tool('get_weather')];
  const [call] = toolCallsFor(tools, 'Please call GET_WEATHER', 'seed');
  assert.equal(call?.function.name, 'get_weather');
  assert.equal(typeof (call.function.arguments as Record<string, unknown>)['city'], 'string');
  assert.match(call.id, /^call_[a-z0-9]{8}$/);
  assert.equal(toolCallsFor(tools, 'use a tool', 'seed')[0]?.function.name, 'get_time');
  assert.deepEqual(
    toolCallsFor(tools, 'get_time and get_weather', 'seed').map(one => one.function.index),
    [0, 1],
  );
  assert.deepEqual(toolCallsFor(tools, 'nothing', 'seed'), []);
});

test('logprobs fall and begin with the token itself', () => {
  const { token, logprob, bytes, top_logprobs: top = [] } = logprobOf(' é', 3, 5);
  assert.deepEqual([token, bytes], [' é', [0x20, 0xc3, 0xa9]]);
  assert.equal(top.length, 5);
  assert.equal(top[0]?.logprob, logprob);
  for (const [index, entry] of top.entries()) assert.ok(index === 0 || entry.logprob < (top[index - 1]?.logprob ?? 0));
});

test('embeddings of texts that share words are closer than those of texts that do not', () => {
  const embed = (text: string) => normalize(rawEmbedding('model', text, 16));
  const near = (left: number[], right: number[]) =>
    left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);
  const cats = embed('cats sleep all day long');
  assert.ok(Math.abs(Math.hypot(...cats) - 1) < 1e-6);
  assert.ok(near(cats, embed('cats sleep all night long')) > 0.6);
  assert.ok(near(cats, embed('cats sleep all night long')) > near(cats, embed('interest rates rose sharply')));
  assert.notDeepEqual(embed('day night'), embed('night day'));
});
