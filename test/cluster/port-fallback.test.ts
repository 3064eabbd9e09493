/** The port that is set is another program's: the next free one is taken, and everything that tells where it serves says so. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeHotFiles } from '../../scripts/lib/hot-files.ts';
import { readRunState } from '../../src/config/run-state.ts';
import { startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { clusterEnvironment, runScript } from '../support/start-cluster.ts';

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

test('npm start -- --port-fallback: told on stdout, in run/state.json, by status and in the log', async () => {
  const fake = await startFakeOllama();
  const home = mkdtempSync(join(tmpdir(), 'deci-'));
  const runDir = join(home, 'run');
  const other = await listen(0);
  const { port } = other.address() as AddressInfo;
  const env = clusterEnvironment(home, { OLLAMA_URLS: fake.url, PORT: String(port), DECI_WORKERS: '1' });
  try {
    const start = await runScript(['scripts/start.ts', '--port-fallback'], env);
    assert.equal(start.code, 0, start.stderr);
    const { url = '', instead_of: insteadOf } = readRunState(runDir) ?? {};
    const taken = Number(new URL(url).port);
    assert.ok(taken > port && taken <= port + 100, url);
    assert.equal(insteadOf?.port, port);
    const sentence = new RegExp(`Port +${taken} instead of ${port}, which was taken by `);
    assert.match(start.stdout, new RegExp(`serves on ${url} `));
    assert.match(start.stdout, sentence);
    assert.equal((await fetch(`${url}/api/health`)).status, 200);

    const status = await runScript(['scripts/status.ts'], env);
    assert.match(status.stdout, sentence);
    const json = JSON.parse((await runScript(['scripts/status.ts', '--json'], env)).stdout) as Record<string, unknown>;
    assert.deepEqual([json['url'], json['instead_of']], [url, insteadOf]);

    const logs = join(home, 'logs');
    const lines = readdirSync(logs).map(name => readFileSync(join(logs, name), 'utf8'));
    assert.match(lines.join('\n'), new RegExp(`"port":${taken},"instead_of":${port},`));

    const again = await runScript(['scripts/start.ts', '--json'], env);
    assert.deepEqual((JSON.parse(again.stdout) as Record<string, unknown>)['instead_of'], insteadOf);
  } finally {
    await runScript(['scripts/stop.ts'], env);
    other.close();
    await fake.stop();
    removeHotFiles({ hotDir: undefined, runDir });
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
});
