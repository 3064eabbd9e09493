/** Several streams as one, in the order in which their items come. Reads at most one item ahead of each. */
export async function* mergeStreams<T>(streams: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const iterators = streams.map(stream => stream[Symbol.asyncIterator]());
  const pending = new Map(iterators.map((iterator, index) => [index, readNext(iterator, index)]));
  try {
    while (pending.size > 0) {
      const { index, iterator, result } = await Promise.race(pending.values());
      if (result.done === true) {
        pending.delete(index);
      } else {
        pending.set(index, readNext(iterator, index));
        yield result.value;
      }
    }
  } finally {
    // What is still being read fails on its own when its stream is ended; nobody waits for it any more.
    for (const read of pending.values()) read.catch(() => undefined);
    // Not waited for: a generator that is itself waiting takes notice only when what it waits for comes.
    for (const index of pending.keys()) iterators[index]?.return?.().catch(() => undefined);
  }
}

interface Read<T> {
  readonly index: number;
  readonly iterator: AsyncIterator<T>;
  readonly result: IteratorResult<T>;
}

async function readNext<T>(iterator: AsyncIterator<T>, index: number): Promise<Read<T>> {
  return { index, iterator, result: await iterator.next() };
}
