/** What the tests of failing hosts share: every dialect, stream and not, with a question whose whole answer is known. */
import assert from 'node:assert/strict';
import { events, type Json, lines } from './wire.ts';

export const answerText = 'the whole answer, from its first word to the last';
const question = `echo:${answerText}`;
const messages = [{ role: 'user', content: question }];
const model = 'llama3.2';

export interface DialectCase {
  readonly name: string;
  readonly path: string;
  readonly body: Json;
  readonly stream: boolean;
  /** The text of a whole answer. @throws when it is not whole */
  read(body: string): string;
  /** The message of an error, wherever in the answer it stands; undefined when there is none. */
  error(body: string): string | undefined;
}

interface Dialect {
  readonly path: string;
  readonly body: Json;
  whole(answer: Json): unknown;
  streamed(text: string): unknown;
}

const data = (text: string): Json[] =>
  events(text)
    .filter(event => event.data !== '[DONE]')
    .map(event => JSON.parse(event.data) as Json);
const at = (value: unknown, ...path: ReadonlyArray<string | number>): unknown =>
  path.reduce((inner: unknown, key) => (inner as Json | undefined)?.[key], value);
const join = (parts: readonly unknown[]): string => parts.filter(part => typeof part === 'string').join('');

const dialects: readonly Dialect[] = [
  {
    path: '/api/chat',
    body: { model, messages },
    whole: answer => (answer['done'] === true ? at(answer, 'message', 'content') : undefined),
    streamed: text => native(text, line => at(line, 'message', 'content')),
  },
  {
    path: '/api/generate',
    body: { model, prompt: question },
    whole: answer => (answer['done'] === true ? answer['response'] : undefined),
    streamed: text => native(text, line => line['response']),
  },
  {
    path: '/v1/chat/completions',
    body: { model, messages },
    whole: answer => at(answer, 'choices', 0, 'message', 'content'),
    streamed: text => openAi(text, event => at(event, 'choices', 0, 'delta', 'content')),
  },
  {
    path: '/v1/completions',
    body: { model, prompt: question },
    whole: answer => at(answer, 'choices', 0, 'text'),
    streamed: text => openAi(text, event => at(event, 'choices', 0, 'text')),
  },
  {
    path: '/v1/responses',
    body: { model, input: question },
    whole: answer => at(answer, 'output', 0, 'content', 0, 'text'),
    streamed: text => {
      assert.ok(text.includes('response.completed'), text.slice(-300));
      return join(data(text).map(event => (event['type'] === 'response.output_text.delta' ? event['delta'] : '')));
    },
  },
  {
    path: '/v1/messages',
    body: { model, messages, max_tokens: 100 },
    whole: answer => at(answer, 'content', 0, 'text'),
    streamed: text => {
      assert.ok(text.includes('message_stop'), text.slice(-300));
      return join(data(text).map(event => at(event, 'delta', 'text')));
    },
  },
];

function native(text: string, part: (line: Json) => unknown): string {
  const all = lines(text);
  assert.equal(all.filter(line => line['done'] === true).length, 1, text.slice(-300));
  return join(all.map(part));
}

function openAi(text: string, part: (event: Json) => unknown): string {
  assert.ok(text.trimEnd().endsWith('data: [DONE]'), text.slice(-300));
  return join(data(text).map(part));
}

export const dialectCases: readonly DialectCase[] = dialects.flatMap(dialect =>
  [false, true].map(stream => ({
    name: `${dialect.path}${stream ? ', streamed' : ''}`,
    path: dialect.path,
    body: { ...dialect.body, stream },
    stream,
    read: text => String(stream ? dialect.streamed(text) : dialect.whole(JSON.parse(text) as Json)),
    error: text => errorIn(text),
  })),
);

function errorIn(text: string): string | undefined {
  const objects = text.includes('data: ') ? data(text) : lines(text);
  const found = objects.map(object => object['error'] ?? at(object, 'response', 'error')).findLast(Boolean);
  if (found === undefined) return undefined;
  return typeof found === 'string' ? found : String((found as Json)['message']);
}
