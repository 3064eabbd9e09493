/** The requests that Ollama refuses, with the status and, where clients know it by heart, the text. */
import type { FaultName } from '../fake-ollama/faults.ts';
import { chat } from './wire.ts';

export interface Row {
  readonly name: string;
  readonly path: string;
  readonly method?: string;
  readonly body?: unknown;
  readonly fault?: FaultName;
  readonly status: number;
  readonly text?: string;
}

const hi = [{ role: 'user', content: 'hi' }];
const long = 'word '.repeat(20_000);
const busy = 'server busy, please try again.  maximum pending requests exceeded';
const crash = 'do embedding request: Post "http://127.0.0.1:39127/v1/embeddings": EOF';

export const errorRows: readonly Row[] = [
  ...['/api/generate', '/api/chat', '/api/embed', '/api/embeddings', '/api/show', '/api/pull', '/api/push'].map(
    path => ({
      name: 'empty body',
      path,
      body: '',
      status: 400,
      text: 'missing request body',
    }),
  ),
  { name: 'empty body', path: '/api/create', body: '', status: 400, text: 'missing request body' },
  { name: 'empty body', path: '/api/copy', body: '', status: 400, text: 'missing request body' },
  { name: 'empty body', path: '/api/delete', method: 'DELETE', body: '', status: 400, text: 'missing request body' },
  { name: 'no model', path: '/api/chat', body: { messages: hi }, status: 400, text: 'model is required' },
  { name: 'no model', path: '/api/generate', body: { prompt: 'x' }, status: 404, text: "model '' not found" },
  { name: 'no model', path: '/api/embed', body: { input: 'x' }, status: 404 },
  { name: 'no model', path: '/api/embeddings', body: { prompt: 'x' }, status: 400 },
  {
    name: 'name of no known form',
    path: '/api/chat',
    body: { model: 'a b', messages: hi },
    status: 400,
    text: 'invalid model name',
  },
  {
    name: 'unknown model',
    path: '/api/generate',
    body: { model: 'x', prompt: 'x' },
    status: 404,
    text: "model 'x' not found",
  },
  {
    name: 'unknown model',
    path: '/api/chat',
    body: { model: 'x', messages: hi },
    status: 404,
    text: "model 'x' not found",
  },
  {
    name: 'unknown model, no stream',
    path: '/api/chat',
    body: { model: 'x', messages: hi, stream: false },
    status: 404,
  },
  { name: 'unknown model', path: '/api/show', body: { model: 'x' }, status: 404 },
  {
    name: 'unknown model',
    path: '/api/delete',
    method: 'DELETE',
    body: { model: 'x' },
    status: 404,
    text: "model 'x' not found",
  },
  {
    name: 'unknown model',
    path: '/api/embed',
    body: { model: 'x', input: 'x' },
    status: 404,
    text: 'model "x" not found, try pulling it first',
  },
  {
    name: 'unknown model',
    path: '/api/embeddings',
    body: { model: 'x', prompt: 'x' },
    status: 404,
    text: 'model "x" not found, try pulling it first',
  },
  {
    name: 'unknown model',
    path: '/api/copy',
    body: { source: 'x', destination: 'y' },
    status: 404,
    text: 'model "x" not found',
  },
  {
    name: 'model that cannot',
    path: '/api/generate',
    body: { model: 'nomic-embed-text', prompt: 'x' },
    status: 400,
    text: '"nomic-embed-text" does not support generate',
  },
  {
    name: 'model that cannot',
    path: '/api/chat',
    body: { model: 'nomic-embed-text', messages: hi },
    status: 400,
    text: '"nomic-embed-text" does not support chat',
  },
  {
    name: 'no thinking',
    path: '/api/chat',
    body: chat('hi', { think: true }),
    status: 400,
    text: '"llama3.2" does not support thinking',
  },
  { name: 'no insert', path: '/api/generate', body: { model: 'llama3.2', prompt: 'x', suffix: 'y' }, status: 400 },
  { name: 'no tools', path: '/api/chat', body: { model: 'llava', messages: hi, tools: [{}] }, status: 400 },
  {
    name: 'raw and template',
    path: '/api/generate',
    body: { model: 'llama3.2', prompt: 'x', raw: true, template: 't' },
    status: 400,
    text: 'raw mode does not support template, system, or context',
  },
  {
    name: 'too many logprobs',
    path: '/api/chat',
    body: chat('hi', { top_logprobs: 21 }),
    status: 400,
    text: 'top_logprobs must be between 0 and 20',
  },
  {
    name: 'input of another type',
    path: '/api/embed',
    body: { model: 'nomic-embed-text', input: 7 },
    status: 400,
    text: 'invalid input type',
  },
  {
    name: 'input too long',
    path: '/api/embed',
    body: { model: 'nomic-embed-text', input: long, truncate: false },
    status: 400,
    text: 'the input length exceeds the context length',
  },
  { name: 'think of another kind', path: '/api/chat', body: chat('hi', { think: 'deep' }), status: 400 },
  {
    name: 'keep_alive of another type',
    path: '/api/chat',
    body: chat('hi', { keep_alive: true }),
    status: 400,
    text: "Unsupported type: 'bool'",
  },
  {
    name: 'keep_alive without unit',
    path: '/api/chat',
    body: chat('hi', { keep_alive: '5' }),
    status: 400,
    text: 'time: missing unit in duration "5"',
  },
  { name: 'messages of another type', path: '/api/chat', body: { model: 'llama3.2', messages: 'hi' }, status: 400 },
  {
    name: 'nothing to create from',
    path: '/api/create',
    body: { model: 'new' },
    status: 400,
    text: "neither 'from' or 'files' was specified",
  },
  { name: 'cloud model', path: '/api/chat', body: { model: 'big:cloud', messages: hi }, status: 401 },
  { name: 'account', path: '/api/me', body: '', status: 401 },
  { name: 'account', path: '/api/signout', body: '', status: 401 },
  { name: 'load failure', path: '/api/chat', body: chat('hi'), fault: 'load-failure', status: 500 },
  {
    name: 'load failure, no stream',
    path: '/api/generate',
    body: { model: 'llama3.2', prompt: 'x', stream: false },
    fault: 'load-failure',
    status: 500,
  },
  { name: 'full queue', path: '/api/chat', body: chat('hi'), fault: 'busy-503', status: 503, text: busy },
  {
    name: 'full queue',
    path: '/api/embed',
    body: { model: 'nomic-embed-text', input: 'x' },
    fault: 'busy-503',
    status: 503,
    text: busy,
  },
  {
    name: 'crash',
    path: '/api/embed',
    body: { model: 'nomic-embed-text', input: 'x' },
    fault: 'crash-embed-400',
    status: 400,
    text: crash,
  },
  {
    name: 'crash',
    path: '/api/embeddings',
    body: { model: 'nomic-embed-text', prompt: 'x' },
    fault: 'crash-embed-400',
    status: 500,
    text: crash,
  },
  {
    name: 'unknown to the registry',
    path: '/api/pull',
    body: { model: 'missing', stream: false },
    status: 500,
  },
  {
    name: 'error on the way, no stream',
    path: '/api/chat',
    body: chat('hi', { stream: false }),
    fault: 'error-line',
    status: 500,
  },
];
