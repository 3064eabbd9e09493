/** Everything that clients do, mixed: whole and streamed answers of all dialects, embeddings, lists, mistakes, and going away in the middle. */
import { type Answer, ask, chat, type Json } from '../integration/wire.ts';
import type { TestCluster } from '../support/start-cluster.ts';

export interface MixedResult {
  readonly requests: number;
  /** What went wrong and should not have, the first hundred. */
  readonly failures: readonly string[];
}

interface Kind {
  readonly name: string;
  readonly path: string;
  readonly body: (number: number) => Json;
  /** Whether an answer is what it should be. */
  readonly isRight: (answer: Answer) => boolean;
}

const model = 'llama3.2';
const messages = (number: number) => [{ role: 'user', content: `Question ${number}` }];
const isOk = ({ status }: Answer): boolean => status === 200;
const kinds: readonly Kind[] = [
  {
    name: 'native whole',
    path: '/api/chat',
    body: number => chat(`Question ${number}`, { stream: false }),
    isRight: isOk,
  },
  {
    name: 'native stream',
    path: '/api/chat',
    body: number => chat(`Question ${number}`),
    isRight: answer => isOk(answer) && answer.text.includes('"done":true'),
  },
  {
    name: 'OpenAI stream',
    path: '/v1/chat/completions',
    body: number => ({ model, messages: messages(number), stream: true }),
    isRight: answer => isOk(answer) && answer.text.endsWith('data: [DONE]\n\n'),
  },
  {
    name: 'Anthropic',
    path: '/v1/messages',
    body: number => ({ model, messages: messages(number), max_tokens: 100 }),
    isRight: isOk,
  },
  { name: 'embedding', path: '/api/embed', body: number => ({ model, input: `Text ${number}` }), isRight: isOk },
  {
    name: 'recorded',
    path: '/api/chat',
    body: number => chat(`Question ${number % 50}`, { stream: false, options: { temperature: 0 } }),
    isRight: isOk,
  },
  { name: 'mistake', path: '/v1/chat/completions', body: () => ({ model }), isRight: ({ status }) => status === 400 },
  {
    name: 'no such model',
    path: '/api/chat',
    body: () => chat('x', { model: 'nope' }),
    isRight: ({ status }) => status === 404,
  },
];
/** Of all requests, one leaves before its answer is complete. */
const leavesEvery = 9;
const maxFailures = 100;

export function startMixedLoad(cluster: TestCluster, clients: number): { stop(): Promise<MixedResult> } {
  const state = { on: true, requests: 0 };
  const failures: string[] = [];
  const fail = (words: string): void => {
    if (failures.length < maxFailures) failures.push(words);
  };
  const running = Array.from({ length: clients }, async (_, client) => {
    for (let number = client; state.on; number += clients) {
      const kind = kinds[number % kinds.length];
      if (kind === undefined) continue;
      state.requests++;
      if (number % leavesEvery === 0) await leave(cluster, kind, number);
      else await askFor(cluster, kind, number).catch((error: unknown) => fail(`${kind.name}: ${String(error)}`));
    }
  });
  return {
    stop: async () => {
      state.on = false;
      await Promise.all(running);
      return { requests: state.requests, failures };
    },
  };
}

async function askFor(cluster: TestCluster, { path, body, isRight }: Kind, number: number): Promise<void> {
  const answer = await ask(cluster, path, body(number));
  if (!isRight(answer)) throw new Error(`${answer.status} ${answer.text.slice(-200)}`);
}

async function leave({ url, key }: TestCluster, { path, body }: Kind, number: number): Promise<void> {
  const leaving = new AbortController();
  const headers = { 'content-type': 'application/json', 'x-api-key': key };
  const text = JSON.stringify(body(number));
  const asked = fetch(`${url}${path}`, { method: 'POST', headers, body: text, signal: leaving.signal });
  const timer = setTimeout(() => leaving.abort(), number % 60);
  await asked.then(answer => answer.text()).catch(() => undefined);
  clearTimeout(timer);
}
