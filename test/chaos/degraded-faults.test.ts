/**
 * The faults of a host once more, with everything on that answers in its place: records, breakers, retries, and virtual models
 * with another model or a text behind them. In every dialect, streamed and not: a right answer, or another one that is marked as
 * such in the headers or at the end of the stream, or an error of the dialect; never a short answer as success.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FAULT_NAMES, type FaultName } from '../fake-ollama/faults.ts';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { type DialectCase, dialectCases } from '../integration/resilience-cases.ts';
import { type Answer, ask, bearer, type Json, lines } from '../integration/wire.ts';
import { startWorker, type TestWorker } from '../support/start-worker.ts';
import { until } from '../support/until.ts';
import { details, harmless } from './fault-kinds.ts';

/** One that chats and generations never meet is left out. */
const names = FAULT_NAMES.filter(name => name !== 'crash-embed-400');
/** What strikes before anything of an answer is there: a stream can still be answered in another way. */
const early: ReadonlySet<FaultName> = new Set([
  'hang',
  'refuse',
  'reset',
  'busy-503',
  'status',
  'html-200',
  'load-failure',
]);

/** What stands behind the model of a question: nothing, a record, another model, a text. */
type Ladder = 'nothing' | 'record' | 'fallback' | 'text';
const marks: Readonly<Record<Ladder, string | undefined>> = {
  nothing: undefined,
  record: 'stale',
  fallback: 'fallback_model',
  text: 'fallback_text',
};

const spare = 'spare:latest';
const cannedText = 'Nobody can answer now.';
/** The model that fails has few tokens when it is recorded, so that a record is shorter than a right answer, and is told from it. */
const tokensOfRecord = 7;
const tokens = 20;

/** A worker with a host that fails, and one that has the other model only. */
interface Side {
  readonly worker: TestWorker;
  readonly failing: FakeOllama;
  readonly other: FakeOllama;
  readonly ladders: readonly Ladder[];
}
const sides: Side[] = [];

const baseOf = (fault: FaultName): string => `base-${fault}:latest`;
const askedOf = (ladder: Ladder, fault: FaultName): string =>
  ladder === 'nothing' || ladder === 'record' ? baseOf(fault) : `${ladder}-${fault}`;
const pairModels = dialectCases.map((_, index) => `pair-${index}:latest`);

async function startSide(ladders: readonly Ladder[]): Promise<void> {
  const own = [...names.map(baseOf), ...pairModels, 'well:latest'];
  const options = { tokens, numParallel: 64, maxLoaded: 1000, recordRequests: 0 };
  const failing = await startFakeOllama({ ...options, models: own });
  const other = await startFakeOllama({ ...options, models: [spare] });
  const worker = await startWorker({
    OLLAMA_URLS: `${failing.url}#slots=64,${other.url}#slots=64`,
    OLLAMA_MAX_CONNECTIONS: '64',
    HEARTBEAT_INTERVAL: '100ms',
    FIRST_TOKEN_TIMEOUT: '1200ms',
    LOAD_TIMEOUT: '1200ms',
    STALL_TIMEOUT: '800ms',
    INFERENCE_TIMEOUT: '4s',
    RETRY_BASE: '10ms',
    RETRY_CAP: '50ms',
    RETRY_BUDGET: '1',
    OLLAMA_RESTART_COMMAND: 'off',
  });
  sides.push({ worker, failing, other, ladders });
  const virtual = (ladder: Ladder, body: Json) =>
    Promise.all(names.map(fault => put(worker, askedOf(ladder, fault), { base: baseOf(fault), ...body })));
  if (ladders.includes('fallback')) await virtual('fallback', { fallbacks: [spare] });
  if (ladders.includes('text')) await virtual('text', { fallback_text: cannedText });
}

async function put(worker: TestWorker, name: string, body: Json): Promise<void> {
  const answer = await ask(worker, `/api/admin/models/${name}`, body, { method: 'PUT', headers: bearer(worker.key) });
  assert.equal(answer.status, 200, answer.text);
}

before(async () => {
  await Promise.all([startSide(['nothing', 'fallback']), startSide(['record', 'text'])]);
});
after(async () => {
  for (const { worker, failing, other } of sides) {
    await worker[Symbol.asyncDispose]();
    await failing.stop();
    await other.stop();
  }
});

/** The body of a dialect with another model and question. */
function asking({ body }: DialectCase, model: string, content: string): Json {
  const question = { messages: [{ role: 'user', content }], prompt: content, input: content };
  return { ...body, ...Object.fromEntries(Object.entries(question).filter(([name]) => name in body)), model };
}

const lateMarks = /^: deci (\{.*\})\n\n$/m;

/** What stands in the headers or, when a sign of life took them along, at the end. */
function degradedOf({ headers, text }: Answer): string | undefined {
  const told = headers.get('x-deci-degraded');
  if (told !== null) return told;
  const comment = lateMarks.exec(text)?.[1];
  if (comment !== undefined) return (JSON.parse(comment) as { degraded?: string }).degraded;
  if (!text.endsWith('}\n')) return undefined;
  return (lines(text).at(-1)?.['deci'] as { degraded?: string } | undefined)?.degraded;
}

interface Texts {
  readonly right: string;
  /** By mark. */
  readonly degraded: Readonly<Record<string, string | undefined>>;
}

/** `right`, the mark of what is not, or `error`. @throws for anything else */
function judge(dialect: DialectCase, answer: Answer, { right, degraded }: Texts): string {
  const { name, stream, read, error } = dialect;
  const told = error(answer.text);
  if (answer.status !== 200 || told !== undefined) {
    assert.ok(told !== undefined && told.length > 0, `${name}: ${answer.status} without a word: ${answer.text}`);
    assert.ok(answer.status >= 400 || stream, `${name}: ${answer.status} with an error`);
    return 'error';
  }
  const text = read(answer.text.replace(lateMarks, ''));
  const mark = degradedOf(answer);
  if (mark !== undefined) {
    assert.ok(isWhole(text, degraded[mark]), `${name}: marked ${mark}: ${shown(text)} for ${shown(degraded[mark])}`);
    return mark;
  }
  assert.ok(isWhole(text, right), `${name}: not the whole answer, without a mark: ${shown(text)} for ${shown(right)}`);
  return 'right';
}

/** What some faults put in front of the text is no part of it. */
function isWhole(text: string, wanted: string | undefined): boolean {
  if (wanted === undefined || !text.endsWith(wanted)) return false;
  return /^(?:\ufffd+|😀|a+)?$/u.test(text.slice(0, text.length - wanted.length));
}

function shown(text: string | undefined): string {
  return JSON.stringify(text?.slice(0, 300));
}

const unrecorded = { headers: { 'x-deci-cache': 'no-store' } };

async function textOf(worker: TestWorker, dialect: DialectCase, body: Json, options = {}): Promise<string> {
  const answer = await ask(worker, dialect.path, body, options);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(degradedOf(answer), undefined);
  return dialect.read(answer.text.replace(lateMarks, ''));
}

interface Try {
  readonly ladder: Ladder;
  readonly fault: FaultName;
  readonly content: string;
}

/** What is right, and what may be said in its place, while nothing fails. */
async function learn(
  { worker, failing }: Side,
  { ladder, fault, content }: Try,
): Promise<ReadonlyMap<DialectCase, Texts>> {
  const learnt = new Map<DialectCase, Texts>();
  const all = async (work: (dialect: DialectCase) => Promise<void>): Promise<void> =>
    void (await Promise.all(dialectCases.map(work)));
  const records = new Map<DialectCase, string>();
  if (ladder === 'record') {
    failing.control.setOptions({ tokens: tokensOfRecord });
    await all(async dialect => {
      records.set(dialect, await textOf(worker, dialect, asking(dialect, baseOf(fault), content)));
    });
    failing.control.setOptions({ tokens });
  }
  await all(async dialect => {
    const right = await textOf(worker, dialect, asking(dialect, baseOf(fault), content), unrecorded);
    const other =
      ladder === 'fallback' ? await textOf(worker, dialect, asking(dialect, spare, content), unrecorded) : '';
    assert.notEqual(right, other);
    learnt.set(dialect, {
      right,
      degraded: { stale: records.get(dialect), fallback_model: other, fallback_text: cannedText },
    });
  });
  return learnt;
}

/** Of its own for each try, so that what one has left behind is not taken for another's. */
let tries = 0;

/** As before any fault: breakers closed, hosts there, retries earned. */
async function recover({ worker, failing, other }: Side): Promise<void> {
  await failing.control.clearFaults();
  await other.control.clearFaults();
  const dialect = dialectCases[0];
  assert.ok(dialect !== undefined);
  await until('both hosts answer', async () => {
    await ask(worker, '/api/admin/breakers/all/reset', '', { method: 'POST', headers: bearer(worker.key) });
    const models = ['well:latest', spare];
    const asked = await Promise.all(
      models.map(model => ask(worker, dialect.path, asking(dialect, model, 'Are you well?'), unrecorded)),
    );
    return asked.every(({ status }) => status === 200);
  });
  const well = { model: 'well:latest', prompt: 'echo:well', stream: false };
  await Promise.all(Array.from({ length: 20 }, () => ask(worker, '/api/generate', well, unrecorded)));
}

async function strike(hosts: readonly FakeOllama[], fault: FaultName, model?: string): Promise<void> {
  for (const { control } of hosts) {
    if (fault === 'refuse') await control.refuse({ cut: true });
    else if (fault !== 'ok') {
      await control.fault({ ...details[fault], fault, path: '/api/*', ...(model === undefined ? {} : { model }) });
    }
  }
}

async function tryLadder(side: Side, ladder: Ladder, fault: FaultName, hosts: readonly FakeOllama[]): Promise<void> {
  const content = `Tell me about rivers, for the ${++tries}. time.`;
  await recover(side);
  const learnt = await learn(side, { ladder, fault, content });
  await strike(hosts, fault, baseOf(fault));
  const isSpareGone = ladder === 'fallback' && hosts.includes(side.other);
  const best = isSpareGone ? 'error' : (marks[ladder] ?? 'error');
  for (const wanted of [true, false]) {
    await Promise.all(
      dialectCases.map(async dialect => {
        const { stream, name, path } = dialect;
        const texts = learnt.get(dialect);
        if (stream !== wanted || texts === undefined) return;
        const answer = await ask(side.worker, path, asking(dialect, askedOf(ladder, fault), content));
        const verdict = judge(dialect, answer, texts);
        const what = `${fault}, ${ladder}: ${name}: ${answer.text.slice(0, 300)}`;
        if (harmless.has(fault)) assert.equal(verdict, 'right', what);
        else if (!stream || early.has(fault)) assert.equal(verdict, best, what);
        else assert.ok(verdict === best || verdict === 'error', `${verdict}: ${what}`);
      }),
    );
  }
}

for (const fault of names) {
  test(`${fault}: right, marked, or an error`, async () => {
    await Promise.all(
      sides.map(async side => {
        for (const ladder of side.ladders) await tryLadder(side, ladder, fault, [side.failing]);
      }),
    );
  });
}

/**
 * With a fault of the model that is asked for and another one of the model behind it, so that each rung of the ladder may break.
 */
async function tryPair(side: Side, one: FaultName, other: FaultName): Promise<void> {
  const content = `Tell me about mountains, for the ${++tries}. time.`;
  await recover(side);
  const learnt = await learn(side, { ladder: 'fallback', fault: one, content });
  await strike([side.failing], one, baseOf(one));
  await strike([side.other], other, spare);
  for (const wanted of [true, false]) {
    await Promise.all(
      dialectCases.map(async dialect => {
        const { stream, name, path } = dialect;
        const texts = learnt.get(dialect);
        if (stream !== wanted || texts === undefined) return;
        const answer = await ask(side.worker, path, asking(dialect, askedOf('fallback', one), content));
        const verdict = judge(dialect, answer, texts);
        const what = `${one} and ${other}: ${name}: ${verdict}: ${answer.text.slice(0, 300)}`;
        if (harmless.has(one)) assert.equal(verdict, 'right', what);
        else if (harmless.has(other) && (!stream || early.has(one))) assert.equal(verdict, 'fallback_model', what);
        else assert.ok(verdict === 'error' || (harmless.has(other) && verdict === 'fallback_model'), what);
      }),
    );
  }
}

/** Of all pairs as many as there is time for, each fault in either place. */
const distances = [8];

for (const distance of distances) {
  test(`each fault together with the ${distance}. behind it at the other host: right, marked, or an error`, async () => {
    const pairs = names.map((one, index) => [one, names[(index + distance) % names.length] ?? one] as const);
    const side = sides.find(({ ladders }) => ladders.includes('fallback'));
    assert.ok(side !== undefined);
    for (const [one, other] of pairs) await tryPair(side, one, other);
  });
}

test('nothing listens at any host: marked, or an error', async () => {
  await Promise.all(
    sides.map(async side => {
      for (const ladder of side.ladders) await tryLadder(side, ladder, 'refuse', [side.failing, side.other]);
    }),
  );
});
