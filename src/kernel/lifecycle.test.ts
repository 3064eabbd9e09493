import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lifecycle, type Resource } from './lifecycle.ts';

const never = new AbortController().signal;

/** A resource that writes down what is asked of it; `failing` names the actions that fail. */
function resource(name: string, journal: string[], failing: ReadonlyArray<'start' | 'stop'> = []): Resource {
  const act = (action: 'start' | 'stop') => async () => {
    journal.push(`${action} ${name}`);
    if (failing.includes(action)) throw new Error(`${name} does not ${action}`);
  };
  return { name, start: act('start'), stop: act('stop') };
}

test('starts in order and stops in reverse', async () => {
  const journal: string[] = [];
  const lifecycle = new Lifecycle(['a', 'b', 'c'].map(name => resource(name, journal)));
  await lifecycle.start(never);
  await lifecycle.stop(never);
  assert.deepEqual(journal, ['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
});

test('each start waits for the one before it', async () => {
  const gate = Promise.withResolvers<void>();
  const journal: string[] = [];
  const slow: Resource = { ...resource('slow', journal), start: () => gate.promise };
  const lifecycle = new Lifecycle([slow, resource('next', journal)]);
  const started = lifecycle.start(never);
  await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(journal, []);
  gate.resolve();
  await started;
  assert.deepEqual(journal, ['start next']);
});

test('a failed start rolls back what had started, in reverse, and names the resource', async () => {
  const journal: string[] = [];
  const lifecycle = new Lifecycle([
    resource('a', journal),
    resource('b', journal),
    resource('bad', journal, ['start']),
    resource('d', journal),
  ]);
  await assert.rejects(lifecycle.start(never), (error: unknown) => {
    assert.ok(error instanceof AggregateError);
    assert.equal(error.name, 'LifecycleError');
    assert.equal(error.message, 'could not start bad: bad does not start');
    assert.equal((error.errors[0] as Error).message, 'bad does not start');
    return true;
  });
  assert.deepEqual(journal, ['start a', 'start b', 'start bad', 'stop b', 'stop a']);
});

test('a failure while rolling back does not hide why the start failed', async () => {
  const journal: string[] = [];
  const lifecycle = new Lifecycle([resource('a', journal, ['stop']), resource('bad', journal, ['start'])]);
  await assert.rejects(lifecycle.start(never), /could not start bad/);
});

test('nothing more is started behind the deadline', async () => {
  const journal: string[] = [];
  const deadline = new AbortController();
  const slow: Resource = {
    ...resource('slow', journal),
    start: async () => {
      journal.push('start slow');
      deadline.abort(new Error('too late'));
    },
  };
  const lifecycle = new Lifecycle([slow, resource('next', journal)]);
  await assert.rejects(lifecycle.start(deadline.signal), /could not start next: too late/);
  assert.deepEqual(journal, ['start slow', 'stop slow']);
});

test('stop is idempotent: later calls wait for the same stop', async () => {
  const journal: string[] = [];
  const lifecycle = new Lifecycle([resource('a', journal)]);
  await lifecycle.start(never);
  await Promise.all([lifecycle.stop(never), lifecycle.stop(never)]);
  await lifecycle.stop(never);
  assert.deepEqual(journal, ['start a', 'stop a']);
});

test('what was never started is not stopped', async () => {
  const journal: string[] = [];
  await new Lifecycle([resource('a', journal)]).stop(never);
  assert.deepEqual(journal, []);
});

test('a resource that fails to stop does not keep the others from it; all failures are told by name', async () => {
  const journal: string[] = [];
  const lifecycle = new Lifecycle([
    resource('a', journal, ['stop']),
    resource('b', journal),
    resource('c', journal, ['stop']),
  ]);
  await lifecycle.start(never);
  await assert.rejects(lifecycle.stop(never), {
    name: 'LifecycleError',
    message: 'could not stop c: c does not stop; a: a does not stop',
  });
  assert.deepEqual(journal.slice(3), ['stop c', 'stop b', 'stop a']);
});

test('one deadline holds for all stops: who hangs is named, the others are still asked', async () => {
  const journal: string[] = [];
  const deadline = new AbortController();
  const hanging: Resource = {
    ...resource('hanging', journal),
    stop: () => {
      deadline.abort();
      return Promise.withResolvers<void>().promise;
    },
  };
  const lifecycle = new Lifecycle([resource('a', journal), hanging]);
  await lifecycle.start(never);
  await assert.rejects(lifecycle.stop(deadline.signal), /could not stop hanging: not stopped within the deadline/);
  assert.ok(journal.includes('stop a'));
});

test('a stop that throws before its first await is a failure of that resource alone', async () => {
  const journal: string[] = [];
  const rude: Resource = {
    ...resource('rude', journal),
    stop: () => {
      throw 'not even an error';
    },
  };
  const lifecycle = new Lifecycle([resource('a', journal), rude]);
  await lifecycle.start(never);
  await assert.rejects(lifecycle.stop(never), { message: 'could not stop rude: not even an error' });
  assert.ok(journal.includes('stop a'));
});
