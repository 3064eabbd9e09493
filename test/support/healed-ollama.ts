/** A cluster in front of an Ollama server that control heals: how it fails, and what the journal says was done about it. */
import { ask, chat, type Json, json } from '../integration/wire.ts';
import { startCluster, type TestCluster } from './start-cluster.ts';
import { until } from './until.ts';

const model = 'llama3.2';

export function startHealedCluster(env: Readonly<Record<string, string>>): Promise<TestCluster> {
  return startCluster({
    fakeOptions: { numParallel: 8 },
    env: {
      CACHE: 'off',
      FIRST_TOKEN_TIMEOUT: '500ms',
      LOAD_TIMEOUT: '500ms',
      HEARTBEAT_INTERVAL: 'off',
      RETRY_MAX: '1',
      ...env,
    },
  });
}

/** @param cluster once it is there */
export function healed(cluster: () => TestCluster) {
  const status = async (): Promise<number> =>
    (await ask(cluster(), '/api/chat', chat('x', { model, stream: false }))).status;

  const recordOf = async (healer: string): Promise<Json | undefined> => {
    const page = json(await ask(cluster(), `/api/journal?healer=${healer}&limit=1`));
    return (page['data'] as Json[])[0];
  };

  return {
    model,
    status,
    recordOf,
    /** Nothing fails any more, and everything is tried again. */
    recover: async (): Promise<void> => {
      await cluster().control.reset();
      await ask(cluster(), '/api/admin/breakers/all/reset', undefined, { method: 'POST' });
      await until('it answers', async () => (await status()) === 200);
    },
    /** @returns what tells the next record that is complete, once there is one */
    nextOf: async (healer: string): Promise<(withinMs: number) => Promise<Json>> => {
      const earlier = (await recordOf(healer))?.['id'];
      return async withinMs => {
        let record: Json | undefined;
        const isThere = async (): Promise<boolean> => {
          record = await recordOf(healer);
          return typeof record?.['result'] === 'string' && record['id'] !== earlier;
        };
        await until(`${healer} has acted`, isThere, withinMs);
        return record ?? {};
      };
    },
    failUntilLeftAlone: async (): Promise<void> => {
      await until('it is left alone', async () => {
        await Promise.all([1, 2, 3, 4, 5, 6].map(status));
        const { data } = json(await ask(cluster(), '/api/admin/breakers'));
        return (data as Json[]).some(breaker => breaker['state'] === 'open');
      });
    },
  };
}
