import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeStreams } from './merge-streams.ts';

/** A stream whose items, end and failure come when the test says so. */
class Channel implements AsyncIterableIterator<string> {
  reads = 0;
  returned = false;
  readonly #items: Array<PromiseWithResolvers<IteratorResult<string>>> = [];
  #given = 0;

  #slot(index: number): PromiseWithResolvers<IteratorResult<string>> {
    return (this.#items[index] ??= Promise.withResolvers());
  }

  give(value: string): void {
    this.#slot(this.#given++).resolve({ done: false, value });
  }

  end(): void {
    this.#slot(this.#given++).resolve({ done: true, value: undefined });
  }

  fail(error: Error): void {
    this.#slot(this.#given++).reject(error);
  }

  next(): Promise<IteratorResult<string>> {
    return this.#slot(this.reads++).promise;
  }

  async return(): Promise<IteratorResult<string>> {
    this.returned = true;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

test('items come in the order in which they arrive, whatever their stream', async () => {
  const [a, b] = [new Channel(), new Channel()];
  const merged = mergeStreams([a, b]);
  const taken: unknown[] = [];
  const take = async (): Promise<void> => void taken.push((await merged.next()).value);
  b.give('b1');
  await take();
  a.give('a1');
  await take();
  a.give('a2');
  await take();
  b.give('b2');
  await take();
  assert.deepEqual(taken, ['b1', 'a1', 'a2', 'b2']);
  await merged.return(undefined);
});

test('the end comes when every stream has ended', async () => {
  const [a, b] = [new Channel(), new Channel()];
  const merged = mergeStreams([a, b]);
  a.end();
  b.give('b1');
  b.end();
  assert.deepEqual(await Array.fromAsync(merged), ['b1']);
});

test('no streams are an end at once, and one stream is itself', async () => {
  assert.deepEqual(await Array.fromAsync(mergeStreams([])), []);
  async function* one(): AsyncGenerator<number> {
    yield* [1, 2, 3];
  }
  assert.deepEqual(await Array.fromAsync(mergeStreams([one()])), [1, 2, 3]);
});

test('of each stream at most one item is read ahead', async () => {
  const [a, b] = [new Channel(), new Channel()];
  const merged = mergeStreams([a, b]);
  for (let i = 0; i < 5; i++) a.give(`a${i}`);
  await merged.next();
  assert.deepEqual([a.reads, b.reads], [2, 1]);
  await merged.return(undefined);
});

test('one failure ends the whole, and the others are told to stop', async () => {
  const [a, b] = [new Channel(), new Channel()];
  const merged = mergeStreams([a, b]);
  a.give('a1');
  assert.equal((await merged.next()).value, 'a1');
  b.fail(new Error('boom'));
  await assert.rejects(merged.next(), /boom/);
  assert.equal(a.returned, true);
});

test('a reader that leaves early stops every stream', async () => {
  const [a, b] = [new Channel(), new Channel()];
  a.give('a1');
  for await (const _ of mergeStreams([a, b])) break;
  assert.deepEqual([a.returned, b.returned], [true, true]);
});

test('a second failure behind the first is nobody else’s business', async () => {
  const [a, b] = [new Channel(), new Channel()];
  const merged = mergeStreams([a, b]);
  a.fail(new Error('first'));
  await assert.rejects(merged.next(), /first/);
  b.fail(new Error('second'));
  await new Promise(resolve => setImmediate(resolve));
});

test('a failure is told at once, even while another stream is silent', async () => {
  const silence = Promise.withResolvers<void>();
  async function* silent(): AsyncGenerator<string> {
    await silence.promise;
    yield 'late';
  }
  const failing = new Channel();
  const merged = mergeStreams([silent(), failing]);
  let outcome = 'nothing yet';
  const reading = merged.next().then(
    () => undefined,
    (error: Error) => {
      outcome = error.message;
    },
  );
  failing.fail(new Error('boom'));
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve));
  const told = outcome;
  silence.resolve();
  await reading;
  assert.equal(told, 'boom');
});
