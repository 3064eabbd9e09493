/**
 * Every fault of a host, alone and together with every other fault of the other host, in every dialect, streamed and not: the
 * client reads a right answer, one that is marked, or an error of its dialect; never a short answer as success. Afterwards
 * nothing is held any more.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FAULT_NAMES, type FaultName } from '../fake-ollama/faults.ts';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { answerText, type DialectCase, dialectCases } from '../integration/resilience-cases.ts';
import { type Answer, ask, type Json, json } from '../integration/wire.ts';
import { startWorker, type TestWorker } from '../support/start-worker.ts';
import { until } from '../support/until.ts';
import { details, harmless } from './fault-kinds.ts';

/** Nothing listens: it strikes all models at once, so it has its own tests. And one that chats and generations never meet. */
const apart: ReadonlySet<FaultName> = new Set(['refuse', 'crash-embed-400']);
/** Hosts that both are busy are not asked twice for a while, so that comes last. */
const names = [...FAULT_NAMES.filter(name => !apart.has(name) && name !== 'busy-503'), 'busy-503' as const];

const wellModel = 'well:latest';
/** Of its own for each pair, so that pairs may be tried side by side; known to the hosts before they are first asked for them. */
const modelOf = (one: FaultName, other: FaultName): string => `${one}-and-${other}:latest`;
/** What an embedding does not meet, being one object that does not say whether it is complete. */
const ofTexts: ReadonlySet<FaultName> = new Set([
  'refuse',
  'blank-lines',
  'invalid-utf8',
  'huge-line',
  'split-utf8',
  'end-silently',
  'done-false',
  'repeat-token',
]);
const embeddingFaults = FAULT_NAMES.filter(name => !ofTexts.has(name));
const embeddingModelOf = (fault: FaultName, index: number): string => `embed-${fault}-${index}:latest`;
const models = [
  wellModel,
  ...names.flatMap(one => names.map(other => modelOf(one, other))),
  ...embeddingFaults.flatMap(fault => Array.from({ length: 6 }, (_, index) => embeddingModelOf(fault, index))),
];

const atOnce = 4;

let first: FakeOllama;
let second: FakeOllama;
/** Each with its own budget for retries, so that what one pair uses up is not missing for another. */
const workers: TestWorker[] = [];

before(async () => {
  first = await startFakeOllama({ models, numParallel: 64, maxLoaded: 10_000, recordRequests: 0 });
  second = await startFakeOllama({ models, numParallel: 64, maxLoaded: 10_000, recordRequests: 0 });
  const settings = {
    OLLAMA_URLS: `${first.url}#slots=64,${second.url}#slots=64`,
    OLLAMA_MAX_CONNECTIONS: '64',
    HEARTBEAT_INTERVAL: 'off',
    FIRST_TOKEN_TIMEOUT: '700ms',
    LOAD_TIMEOUT: '700ms',
    STALL_TIMEOUT: '400ms',
    INFERENCE_TIMEOUT: '4s',
    RETRY_BASE: '10ms',
    RETRY_CAP: '50ms',
    RETRY_BUDGET: '1',
    BREAKER_FAILURES: 'off',
    CACHE: 'off',
  };
  workers.push(...(await Promise.all(Array.from({ length: atOnce }, () => startWorker(settings)))));
});
after(async () => {
  await Promise.all(workers.map(worker => worker[Symbol.asyncDispose]()));
  await first?.stop();
  await second?.stop();
});

/** What some faults put in front of the text. */
const added = /^(?:\ufffd+|😀|a+(?=the ))/;

/** `right`, or what the client was told. */
type Verdict = string;

/** @throws when it is neither a right answer nor an error of the dialect */
function judge({ name, stream, read, error }: DialectCase, answer: Answer): Verdict {
  const told = error(answer.text);
  if (answer.status === 200 && told === undefined) {
    const text = read(answer.text).replace(added, '');
    assert.equal(text, answerText, `${name}: not the whole answer, and success`);
    return 'right';
  }
  assert.ok(told !== undefined && told.length > 0, `${name}: ${answer.status} without a word: ${answer.text}`);
  assert.ok(answer.status >= 400 || (stream && answer.status === 200), `${name}: ${answer.status} with an error`);
  return told;
}

/** Retries are a share of the requests, so enough that go well come first. */
async function earnRetries(worker: TestWorker): Promise<void> {
  const body = { model: wellModel, prompt: 'echo:well', stream: false };
  for (const { status } of await Promise.all(Array.from({ length: 10 }, () => ask(worker, '/api/generate', body)))) {
    assert.equal(status, 200);
  }
}

/** One pair, in every dialect. */
async function tryPair(worker: TestWorker, one: FaultName, other: FaultName): Promise<Map<string, Verdict>> {
  const name = modelOf(one, other);
  for (const [fake, fault] of [
    [first, one],
    [second, other],
  ] as const) {
    if (fault !== 'ok') await fake.control.fault({ ...details[fault], fault, model: name, path: '/api/*' });
  }
  const verdicts = new Map<string, Verdict>();
  const verdictOf = async (dialect: DialectCase): Promise<void> => {
    const answer = await ask(worker, dialect.path, { ...dialect.body, model: name });
    verdicts.set(dialect.name, judge(dialect, answer));
  };
  for (const wanted of [true, false]) {
    await earnRetries(worker);
    await Promise.all(dialectCases.filter(({ stream }) => stream === wanted).map(verdictOf));
  }
  return verdicts;
}

function check(one: FaultName, other: FaultName, verdicts: ReadonlyMap<string, Verdict>): void {
  const well = [one, other].filter(fault => harmless.has(fault)).length;
  for (const { name, stream } of dialectCases) {
    const verdict = verdicts.get(name);
    // A stream that has begun cannot begin again.
    if (well === 2 || (well === 1 && !stream)) assert.equal(verdict, 'right', `${one} and ${other}: ${name}`);
    if (well === 0) assert.notEqual(verdict, 'right', `${one} and ${other}: ${name}`);
  }
}

for (const [index, one] of names.entries()) {
  test(`${one}, with every fault of the other host`, async () => {
    const others = names.slice(0, index + 1);
    const tryRest = async (worker: TestWorker): Promise<void> => {
      for (let other = others.pop(); other !== undefined; other = others.pop())
        check(one, other, await tryPair(worker, one, other));
    };
    await Promise.all(workers.map(tryRest));
  });
}

test('nothing listens at one host, with every fault of the other', async () => {
  await first.control.refuse({ cut: true });
  const others = [...names];
  const tryRest = async (worker: TestWorker): Promise<void> => {
    for (let other = others.pop(); other !== undefined; other = others.pop()) {
      const verdicts = await tryPair(worker, 'ok', other);
      for (const { name } of dialectCases) {
        const isRight = verdicts.get(name) === 'right';
        assert.equal(isRight, harmless.has(other), `refuse and ${other}: ${name}: ${verdicts.get(name)}`);
      }
    }
  };
  await Promise.all(workers.map(tryRest));
  await first.control.accept();
});

const embeddingRoutes = [
  { path: '/api/embed', vectorOf: (answer: Json) => (answer['embeddings'] as unknown[])[0] },
  { path: '/api/embeddings', vectorOf: (answer: Json) => answer['embedding'] },
  { path: '/v1/embeddings', vectorOf: (answer: Json) => (answer['data'] as Json[])[0]?.['embedding'] },
];
/** How long an embedding may take nobody can say, so silence is no reason to ask another host. */
const silent: ReadonlySet<FaultName> = new Set(['hang', 'hang-mid-stream']);

/** One host, and both, on every route, so that all may be tried side by side. */
const embeddingCases = embeddingRoutes.flatMap(route => [1, 2].map(hosts => ({ ...route, hosts })));

async function tryEmbedding(fault: FaultName, index: number): Promise<void> {
  const { path, vectorOf, hosts } = embeddingCases[index]!;
  const worker = workers[index % workers.length]!;
  const model = embeddingModelOf(fault, index);
  const question = { model, input: fault, prompt: fault };
  const right = vectorOf(json(await ask(worker, path, question)));
  await earnRetries(worker);
  for (const { control } of [first, second].slice(0, hosts)) {
    await control.fault({ ...details[fault], fault, model, path: '/api/embed*' });
  }
  const answer = await ask(worker, path, question);
  const isRight = answer.status === 200;
  if (isRight) assert.deepEqual(vectorOf(json(answer)), right);
  else assert.ok(answer.status >= 400 && json(answer)['error'] !== undefined, answer.text);
  const isSaved = harmless.has(fault) || hosts === 1;
  if (!(isSaved && silent.has(fault))) assert.equal(isRight, isSaved, `${path}: ${answer.text}`);
}

for (const fault of embeddingFaults) {
  test(`${fault} of one host, and of both: embeddings are right, or an error`, async () => {
    await Promise.all(embeddingCases.map((_, index) => tryEmbedding(fault, index)));
  });
}

test('nothing is held any more', async () => {
  for (const worker of workers) {
    await until('all slots are given back', async () => {
      const hosts = json(await ask(worker, '/api/admin/hosts'))['data'] as Array<{ slots: { in_use: number } }>;
      return hosts.every(host => host.slots.in_use === 0);
    });
  }
});
