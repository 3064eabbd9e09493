/** The disk of the shared cache is full: room is made, requests are served all the while, and it is told once. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { strangeDiskObstacle } from '../faults/strange-disk.ts';
import { fillDisk, seenBy } from '../support/small-disk.ts';
import { startWorker, type TestWorker } from '../support/start-worker.ts';
import { until } from '../support/until.ts';
import { type Answer, ask, chat, type Json, json } from './wire.ts';

/** Of it 64 MB are left to others. */
const disk = { folder: 'run/cache', megabytes: 72 };
const skip = strangeDiskObstacle() ?? false;

const folderOf = ({ pid, home }: TestWorker): string => seenBy(pid, join(home, disk.folder));

async function records(worker: TestWorker): Promise<Json[]> {
  return json(await ask(worker, '/api/journal?healer=shared-cache'))['data'] as Json[];
}

test('answers are recorded and given again on a disk that is full, and it is told once', { skip }, async t => {
  const fake = await startFakeOllama({ numParallel: 4 });
  t.after(() => fake.stop());
  // No memory to speak of, so that an answer that is given again is from the disk.
  const env = {
    OLLAMA_URLS: `${fake.url}#slots=4`,
    OLLAMA_MAX_CONNECTIONS: '4',
    CACHE_WRITE: 'through',
    CACHE_MAX_MB: '1',
  };
  await using worker = await startWorker({ ...env, CACHE_MAX_ENTRIES: '1' }, disk);
  const say = (text: string): Promise<Answer> =>
    ask(worker, '/api/chat', chat(`echo:${text}`, { stream: false, options: { temperature: 0 } }));
  // Some hundred kilobytes as it is recorded.
  const large = (index: number): string => `${index} ${'word '.repeat(1500)}`;
  for (let index = 0; index < 40; index++) {
    const answer = await say(large(index));
    assert.equal(answer.status, 200);
    assert.equal((json(answer)['message'] as Json)['content'], large(index), 'whole');
  }
  await until('it is told', async () => (await records(worker)).some(({ result }) => result !== null));
  assert.deepEqual(
    (await records(worker)).map(({ action, result, trigger }) => [action, result, (trigger as Json)['signal']]),
    [['evict', 'healed', 'cache_full']],
  );
  await say('between');
  const again = await say(large(39));
  assert.equal(again.headers.get('x-deci-cache'), 'hit', 'the latest are there');
  // Somebody else takes the rest of it, so that nothing that goes would make room.
  const free = fillDisk(folderOf(worker));
  for (let index = 100; index < 110; index++) assert.equal((await say(large(index))).status, 200);
  free();
  await until('answers are recorded again', async () => {
    await say(large(200));
    await say('between');
    return (await say(large(200))).headers.get('x-deci-cache') === 'hit';
  });
});
