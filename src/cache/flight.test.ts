import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeciError } from '../kernel/errors.ts';
import type { FlightReader } from './flight.ts';
import { SingleFlight } from './single-flight.ts';

const never = new AbortController().signal;

/** A source that gives a block when the test says so. */
class TestSource implements AsyncIterableIterator<Buffer> {
  final: unknown;
  asked = 0;
  returned = false;
  #waiting: PromiseWithResolvers<IteratorResult<Buffer>> | undefined;

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Buffer>> {
    this.asked++;
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  async return(): Promise<IteratorResult<Buffer>> {
    this.returned = true;
    return { done: true, value: undefined };
  }

  give(text: string): void {
    this.#waiting?.resolve({ done: false, value: Buffer.from(text) });
  }

  end(): void {
    this.final = { done: true };
    this.#waiting?.resolve({ done: true, value: undefined });
  }

  fail(error: Error): void {
    this.#waiting?.reject(error);
  }
}

function setUp(maxBytes = 1000, maxReadOnBytes?: number) {
  const flights = new SingleFlight<TestSource, string>(maxBytes, maxReadOnBytes);
  const source = new TestSource();
  const over: Array<string | undefined> = [];
  const signals: AbortSignal[] = [];
  const join = (signal = never) =>
    flights.join('k', signal, {
      lead: 'lead',
      open: async unread => {
        signals.push(unread);
        return source;
      },
      onOver: blocks => over.push(blocks === undefined ? undefined : Buffer.concat(blocks).toString()),
    });
  return { flights, source, over, signals, join };
}

type Reader = FlightReader<TestSource>;
const text = async (reading: Promise<IteratorResult<Buffer>>): Promise<string | undefined> => {
  const read = await reading;
  return read.done === true ? undefined : read.value.toString();
};
const opened = async (reader: Reader): Promise<Reader> => {
  await reader.opened();
  return reader;
};

test('who comes late gets what was said so far, then what is said live; the source is asked once for each', async () => {
  const { flights, source, over, signals, join } = setUp();
  const first = await opened(join().reader);
  const one = first.next();
  source.give('a');
  assert.equal(await text(one), 'a');
  const late = join();
  assert.equal(late.isFirst, false);
  const second = await opened(late.reader);
  assert.equal(await text(second.next()), 'a');
  const both = [first.next(), second.next()];
  source.give('b');
  assert.deepEqual(await Promise.all(both.map(text)), ['b', 'b']);
  const ends = [first.next(), second.next()];
  source.end();
  assert.deepEqual(await Promise.all(ends.map(text)), [undefined, undefined]);
  assert.deepEqual([source.asked, over, flights.size, signals.length], [3, ['ab'], 0, 1]);
});

test('a reader that leaves ends it for nobody else; the last one ends the generation', async () => {
  const { source, over, signals, join } = setUp();
  const leaving = new AbortController();
  const first = await opened(join(leaving.signal).reader);
  const second = await opened(join().reader);
  const waiting = first.next();
  leaving.abort(new DeciError('client_closed'));
  await assert.rejects(waiting, { code: 'client_closed' });
  const one = second.next();
  source.give('a');
  assert.equal(await text(one), 'a');
  assert.deepEqual([signals[0]?.aborted, source.returned], [false, false]);
  await second.return();
  assert.deepEqual([signals[0]?.aborted, source.returned, over], [true, true, [undefined]]);
  assert.equal(join().isFirst, true, 'the next one begins anew');
});

test('a reader that leaves while it reads nothing is not waited for', async () => {
  const { signals, join } = setUp();
  const leaving = new AbortController();
  await opened(join(leaving.signal).reader);
  leaving.abort(new DeciError('client_closed'));
  assert.equal(signals[0]?.aborted, true);
});

test('a failure is told to every reader, behind what came before it', async () => {
  const { source, over, join } = setUp();
  const readers = [await opened(join().reader), await opened(join().reader)];
  const reading = readers.map(reader => reader.next());
  source.give('a');
  assert.deepEqual(await Promise.all(reading.map(text)), ['a', 'a']);
  const failing = readers.map(reader => assert.rejects(reader.next(), { code: 'upstream_broken' }));
  source.fail(new DeciError('upstream_broken'));
  await Promise.all(failing);
  assert.deepEqual(over, [undefined]);
});

test('the source is not asked while nobody wants more', async () => {
  const { source, join } = setUp();
  const reader = await opened(join().reader);
  assert.equal(source.asked, 0);
  const one = reader.next();
  source.give('a');
  await one;
  assert.equal(source.asked, 1);
});

test('beyond its bound a flight takes nobody on, keeps nothing for the record, and cuts off who is too far behind', async () => {
  const { source, over, join } = setUp(10);
  const fast = await opened(join().reader);
  const slow = await opened(join().reader);
  for (const block of ['aaaaaaaa', 'bbbbbbbb', 'cccccccc']) {
    const reading = fast.next();
    source.give(block);
    assert.equal(await text(reading), block);
  }
  await assert.rejects(slow.next(), { code: 'shared_answer_lagged' });
  assert.equal(join().isFirst, true);
  const end = fast.next();
  source.end();
  assert.equal(await text(end), undefined);
  assert.equal(over[0], undefined);
});

/** Lets everything run that is not waited for from outside. */
const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

test('readers that stall keep a short answer from nobody: it is read to its end, and theirs when they read on', async () => {
  const { flights, source, over, join } = setUp();
  const [stalled, other] = [await opened(join().reader), await opened(join().reader)];
  const one = stalled.next();
  source.give('a');
  await one;
  flights.look();
  assert.equal(source.asked, 1, 'they may only be slow');
  flights.look();
  for (const block of ['b', 'c']) {
    source.give(block);
    await settled();
  }
  flights.look();
  source.end();
  await settled();
  assert.deepEqual(over, ['abc']);
  assert.equal(flights.size, 0);
  assert.equal(source.returned, false);
  assert.deepEqual(await Promise.all([stalled.next(), other.next()].map(text)), ['b', 'a']);
  assert.deepEqual(await Promise.all([stalled.next(), other.next()].map(text)), ['c', 'b']);
  assert.equal(await text(stalled.next()), undefined);
});

test('what is too long to be read on is left to its readers, and made anew for others', async () => {
  const { flights, source, over, join } = setUp(10);
  const stalled = await opened(join().reader);
  flights.look();
  flights.look();
  for (const block of ['aaa', 'bbb']) {
    source.give(block);
    await settled();
  }
  assert.equal(source.asked, 2, 'half of what may be kept is there');
  assert.deepEqual(over, [undefined], 'somebody else may lead');
  assert.equal(join().isFirst, true);
  const blocks = [await text(stalled.next()), await text(stalled.next())];
  const third = stalled.next();
  source.give('ccc');
  const end = third.then(() => stalled.next());
  assert.deepEqual([...blocks, await text(third)], ['aaa', 'bbb', 'ccc'], 'nothing of it is lost');
  source.end();
  assert.equal(await text(end), undefined);
  assert.deepEqual(over, [undefined], 'it is told once');
});

test('flights whose readers stall share what may be kept for their sake', async () => {
  const flights = new SingleFlight<TestSource, undefined>(100, 60);
  const sources = [new TestSource(), new TestSource(), new TestSource()];
  const over: number[] = [];
  for (const [index, source] of sources.entries()) {
    const { reader } = flights.join(`k${index}`, never, {
      lead: undefined,
      open: async () => source,
      onOver: () => over.push(index),
    });
    await reader.opened();
  }
  flights.look();
  flights.look();
  await settled();
  assert.deepEqual(
    sources.map(({ asked }) => asked),
    [1, 1, 0],
  );
  assert.deepEqual(over, [2], 'for which there is no room is left to its reader at once');
});

test('for each reader the end is where it has read the end', async () => {
  const { source, join } = setUp();
  const [fast, slow] = [await opened(join().reader), await opened(join().reader)];
  const one = fast.next();
  source.give('a');
  await one;
  const end = fast.next();
  source.end();
  await end;
  assert.deepEqual([fast.atEnd, slow.atEnd], [true, false]);
  assert.equal(await text(slow.next()), 'a');
  assert.equal(slow.atEnd, true);
});
