/** What cannot run is refused in clear words, with nothing left behind, and whatever only looks works all the same. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Pm2 } from '../../scripts/lib/pm2-cli.ts';
import { checkout, clusterEnvironment, runScript } from '../support/start-cluster.ts';

test('status, logs, stop and pm2 work although a setting is wrong, and say what is wrong', async () => {
  const home = mkdtempSync(join(tmpdir(), 'deci-'));
  try {
    const env = clusterEnvironment(home, { DRAIN_TIMEOUT: '7', PORT: 'x' });
    const calls = [['stop.ts'], ['logs.ts', '--once'], ['status.ts'], ['pm2.ts', 'ls']] as const;
    const codes: Array<number | null> = [];
    for (const [file, ...args] of calls) {
      const { code, stderr } = await runScript([`scripts/${file}`, ...args], env);
      codes.push(code);
      assert.match(stderr, /^Warning: .*\n {2}PORT: expected.*\n {2}DRAIN_TIMEOUT: expected/, file);
    }
    assert.deepEqual(codes, [0, 0, 3, 3]);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

describe('a start that cannot succeed leaves nothing running', () => {
  let home: string;
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'deci-'));
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  async function startWith(settings: Record<string, string>): Promise<{ code: number | null; stderr: string }> {
    const result = await runScript(['scripts/start.ts'], clusterEnvironment(home, settings));
    assert.equal(await new Pm2(join(home, 'run', 'pm2'), checkout, process.env).isUp(), false);
    assert.equal(existsSync(join(home, 'run', 'state.json')), false);
    return result;
  }

  test('bad configuration: every error at once, 78', async () => {
    const { code, stderr } = await startWith({ PORT: '99999', DECI_WORKERS: 'many' });
    assert.equal(code, 78);
    assert.match(stderr, /PORT: expected[^\n]+\n {2}DECI_WORKERS: expected/);
  });

  test('an address that is not loopback, and nobody asked for a key: refused, 78', async () => {
    const { code, stderr } = await startWith({ HOST: '0.0.0.0', DECI_AUTH: 'off' });
    assert.equal(code, 78);
    assert.match(stderr, /HOST/);
  });

  test('a port that another program has: 3', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await startWith({ PORT: String(port) });
    other.close();
    assert.equal(code, 3);
    const holder = existsSync('/proc/net/tcp') ? ` \\(pid ${process.pid}, node[^)]*\\)` : '';
    assert.match(
      stderr,
      new RegExp(`Port ${port} on 127.0.0.1 is taken by another program${holder}: .*--port-fallback`),
    );
  });

  test('a run folder too deep for a socket: 3', async () => {
    const { code, stderr } = await startWith({ RUN_DIR: join(home, 'x'.repeat(100)) });
    assert.equal(code, 3);
    assert.match(stderr, /too long for a socket/);
  });

  test('an admin key file that holds no key: 3, once', async () => {
    mkdirSync(join(home, 'data'), { recursive: true });
    const path = join(home, 'data', 'admin-key');
    writeFileSync(path, 'no key', { mode: 0o600 });
    const { code, stderr } = await startWith({});
    rmSync(path);
    assert.equal(code, 3);
    assert.match(stderr, /^The admin key cannot be used: .*admin-key does not hold a key/);
  });

  const isLinux = process.platform === 'linux';
  test('a folder below /proc: 3, at once', { skip: !isLinux && 'there is no /proc' }, async () => {
    for (const setting of ['DATA_DIR', 'RUN_DIR', 'LOG_DIR', 'HOT_DIR']) {
      const startedAt = performance.now();
      const { code, stderr } = await startWith({ [setting]: '/proc/deci/x' });
      assert.equal(code, 3, setting);
      assert.match(stderr, new RegExp(`^${setting}: /proc/deci/x cannot be `));
      assert.ok(performance.now() - startedAt < 10_000);
    }
  });

  test('workers that do not come up: 1, with their last words', async () => {
    const { code, stderr } = await startWith({ BOOT_TIMEOUT: '100ms', OLLAMA_URLS: 'http://127.0.0.1:9' });
    assert.equal(code, 1);
    assert.match(stderr, /The start failed: a worker exited before it was ready/);
    assert.match(stderr, /not ready within 100 ms/);
  });

  test('an unknown option: 2', async () => {
    const { code } = await runScript(['scripts/start.ts', '--nonsense'], clusterEnvironment(home, {}));
    assert.equal(code, 2);
  });
});
