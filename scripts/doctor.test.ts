/** `npm run doctor` as a process, in homes that are empty, broken, and shared with other programs. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { clusterEnvironment, runScript } from '../test/support/start-cluster.ts';

interface Line {
  readonly name?: string;
  readonly status?: string;
  readonly detail?: string;
  readonly fix?: string;
  readonly verdict?: string;
  readonly not_checked?: readonly string[];
}

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'deci-doctor-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function examine(
  home: string,
  env: Record<string, string> = {},
): Promise<{ code: number | null; lines: Line[]; notOk: Map<string | undefined, Line> }> {
  const all = clusterEnvironment(home, { HOME: home, OLLAMA_URLS: 'http://127.0.0.1:9', ...env });
  const { code, stdout, stderr } = await runScript(['scripts/doctor.ts', '--json'], all);
  assert.equal(stderr, '');
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Line);
  return { code, lines, notOk: new Map(lines.filter(({ status }) => status !== 'ok').map(line => [line.name, line])) };
}

test('in an empty home all is well but Ollama, and nothing is made, not even a PM2 daemon', async t => {
  const home = folder(t);
  const { code, lines, notOk } = await examine(home);
  assert.equal(code, 0, JSON.stringify(lines));
  assert.equal(notOk.get('http://127.0.0.1:9')?.status, 'warn');
  assert.equal(lines.at(-1)?.verdict, 'warn');
  assert.ok(lines.slice(0, -1).every(({ status, fix }) => (status === 'ok') === (fix === undefined)));
  assert.deepEqual(readdirSync(home), []);
});

/** A program that any command line finds first. @param script of the shell */
function program(dir: string, name: string, script: string): void {
  writeFileSync(join(dir, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

test('it tells what would restart Ollama, of the programs that are there, and why nothing would', async t => {
  const home = folder(t);
  const bin = folder(t);
  const told = async (env: Record<string, string> = {}): Promise<string | undefined> => {
    const path = `${bin}:${process.env['PATH']}`;
    const { lines } = await examine(home, { PATH: path, OLLAMA_URLS: 'http://127.0.0.1:11434', ...env });
    return lines.find(({ name }) => name === 'restart')?.detail;
  };
  const nothing = 'exit 1';
  for (const name of ['systemctl', 'docker', 'podman']) program(bin, name, nothing);
  assert.match((await told()) ?? '', /is not restarted: nothing is known/);
  assert.match((await told({ OLLAMA_RESTART_COMMAND: 'off' })) ?? '', /OLLAMA_RESTART_COMMAND is off/);
  assert.match((await told({ OLLAMA_URLS: 'http://192.0.2.1:11434' })) ?? '', /no Ollama server is on this machine/);
  assert.equal(await told({ OLLAMA_RESTART_COMMAND: 'svc restart' }), 'restarted by: svc restart');
  program(bin, 'systemctl', 'printf "LoadState=loaded\\nActiveState=active\\nEnvironment=\\n"');
  assert.match((await told()) ?? '', /^restarted by: systemctl (?:--user )?restart ollama\.service$/);
  program(bin, 'systemctl', nothing);
  const inspected = '/models\\tbridge\\t{"11434/tcp":[{"HostIp":"","HostPort":"11434"}]}\\t[]\\n';
  program(
    bin,
    'docker',
    `case "$1 $2" in
    "ps --all") printf 'models\\tollama/ollama\\texited\\t\\n';;
    "inspect --format") printf '${inspected}';;
    *) exit 1;;
    esac`,
  );
  assert.equal(await told(), 'restarted by: docker restart models', 'one that is stopped');
});

test('every broken thing is told at once, each with its fix, exit 3', async t => {
  const home = folder(t);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  mkdirSync(join(home, 'data'), { mode: 0o700 });
  writeFileSync(join(home, 'data', 'admin-key'), `deci_${'ab'.repeat(32)}`);
  chmodSync(join(home, 'data', 'admin-key'), 0o644);
  writeFileSync(join(home, 'data', 'deci.sqlite'), 'damaged'.repeat(1000), { mode: 0o600 });
  writeFileSync(join(home, 'logs'), 'a file');
  const { code, notOk } = await examine(home, {
    PORT: String((server.address() as AddressInfo).port),
    RUN_DIR: join(home, 'x'.repeat(110)),
  });
  assert.equal(code, 3);
  for (const [name, words] of [
    ['port', /is taken by another program/],
    ['admin key', /can be read by others \(mode 0644\)/],
    ['content', /file is not a database/],
    ['logs', /is not a folder/],
    ['sockets', /too long/],
  ] as const) {
    const line = notOk.get(name);
    assert.equal(line?.status, 'fail', name);
    assert.match(line?.detail ?? '', words);
    assert.notEqual(line?.fix, undefined, name);
  }
});

test('a bad .env is exit 78 with every mistake, and what depends on it is named as not checked', async t => {
  const home = folder(t);
  writeFileSync(join(home, '.env'), 'DECI_WORKER=4\nLOG_LEVEL=loud\n');
  const { code, lines, notOk } = await examine(home);
  assert.equal(code, 78);
  assert.match(notOk.get('DECI_WORKER')?.detail ?? '', /did you mean DECI_WORKERS/);
  assert.match(notOk.get('LOG_LEVEL')?.detail ?? '', /^expected error \| warn/);
  assert.deepEqual(lines.at(-1)?.not_checked, ['Places', 'Memory', 'Port', 'Processes', 'Crashes', 'Ollama', 'Store']);
  assert.ok(lines.some(({ name }) => name === 'time'));
});

test('the table for people ends with the verdict and what is wrong; an unknown option is exit 2', async t => {
  const home = folder(t);
  const env = clusterEnvironment(home, { HOME: home, OLLAMA_URLS: 'http://127.0.0.1:9' });
  const { stdout } = await runScript(['scripts/doctor.ts'], env);
  assert.match(stdout, /^Runtime\n {2}(?:ok  |warn) {2}node /);
  const [above, below = ''] = stdout.split(/^Verdict {2}warn: \d+ ok, \d+ warn, 0 fail\n/m);
  assert.match(above ?? '', /^ {2}warn {2}http:\/\/127\.0\.0\.1:9/m);
  assert.match(below, /^ {2}warn {2}Ollama, http:\/\/127\.0\.0\.1:9: .*\n {8}-> /m, 'what is wrong is told again');
  assert.doesNotMatch(stdout, /\p{Cc}(?<!\n)/u);
  assert.equal((await runScript(['scripts/doctor.ts', '--fix'], env)).code, 2);
});

test('a folder that only the kernel could make cannot be made', {
  skip: process.platform !== 'linux' && 'there is no /proc',
}, async t => {
  const { code, notOk } = await examine(folder(t), { DATA_DIR: '/proc/deci/x' });
  assert.equal(code, 3);
  assert.match(notOk.get('data')?.detail ?? '', /^\/proc\/deci\/x cannot be made/);
});
