import { after, before, test } from 'node:test';
import { modelChecks } from '../conformance/model-checks.ts';
import { serverChecks } from '../conformance/server-checks.ts';
import { startCluster } from '../support/start-cluster.ts';

let cluster: Awaited<ReturnType<typeof startCluster>>;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster?.stop());

const models = { model: 'llama3.2', embedModel: 'nomic-embed-text' };
/** The fake has the native API alone. */
const isNative = (name: string): boolean => !/^(OpenAI|Anthropic)/.test(name);

for (const { name, run } of [...serverChecks, ...modelChecks]) {
  test(`through the cluster: ${name}`, async () => {
    await run({ url: cluster.url, key: cluster.key, ...models });
  });
}

for (const { name, run } of [...serverChecks, ...modelChecks].filter(check => isNative(check.name))) {
  test(`the fake itself: ${name}`, async () => {
    await run({ url: cluster.fake.url, ...models });
  });
}
