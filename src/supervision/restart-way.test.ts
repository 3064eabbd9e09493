import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findRestartWay, type RestartSearch } from './restart-way.ts';
import type { Command } from './run-command.ts';

const nothing = { code: undefined, output: 'ENOENT' };

function searchWith(answers: Readonly<Record<string, string>>, over: Partial<RestartSearch> = {}): RestartSearch {
  return {
    setting: 'auto',
    ports: [11_434],
    isRoot: true,
    pm2: undefined,
    run: async ({ file, args }: Command) => {
      const output = answers[file.split('/').at(-1) ?? ''] ?? answers[args[1] ?? ''];
      return output === undefined ? nothing : { code: 0, output };
    },
    ...over,
  };
}

const words = async (search: RestartSearch): Promise<string> => {
  const found = await findRestartWay(search);
  return 'none' in found ? 'none' : found.words;
};

const unit = 'LoadState=loaded\nEnvironment=PATH=/bin';
const own = { file: 'node', args: ['pm2'], home: '/home/u/.pm2' };

test('a unit of systemd is found, of the system for root and of the user for others, if it serves the port', async () => {
  assert.equal(await words(searchWith({ systemctl: unit })), 'systemctl restart ollama.service');
  assert.equal(
    await words(searchWith({ systemctl: unit }, { isRoot: false })),
    'systemctl --user restart ollama.service',
  );
  assert.equal(await words(searchWith({ systemctl: 'LoadState=not-found\nEnvironment=' })), 'none');
  assert.equal(await words(searchWith({ systemctl: unit }, { ports: [9999] })), 'none');
  const other = 'LoadState=loaded\nEnvironment=OLLAMA_HOST=0.0.0.0:9999';
  assert.equal(await words(searchWith({ systemctl: other }, { ports: [9999] })), 'systemctl restart ollama.service');
});

test('a process of PM2 is found where a daemon runs, if it serves the port', async () => {
  const rows = JSON.stringify([
    { name: 'web', pm_id: 1, pm2_env: { pm_exec_path: '/srv/web.js' } },
    { name: 'models', pm_id: 4, pm2_env: { pm_exec_path: '/usr/local/bin/ollama' } },
  ]);
  assert.equal(await words(searchWith({ jlist: rows }, { pm2: own })), 'pm2 restart 4');
  assert.equal(await words(searchWith({ jlist: rows })), 'none');
  assert.equal(await words(searchWith({ jlist: rows }, { pm2: own, ports: [9999] })), 'none');
  assert.equal(await words(searchWith({ jlist: 'no json' }, { pm2: own })), 'none');
});

/** What Docker says: rows of `ps`, and of `inspect` for those that are not running. */
function containers(rows: string, inspected = ''): RestartSearch['run'] {
  return async ({ file, args }) => {
    if (file !== 'docker') return nothing;
    return { code: 0, output: args[0] === 'ps' ? (args.includes('--all') ? rows : '') : inspected };
  };
}

const published = '0.0.0.0:11434->11434/tcp, [::]:11434->11434/tcp';
const row = (name: string, image: string, state: string, ports = ''): string =>
  `${name}\t${image}\t${state}\t${ports}\n`;
const bound = (name: string, port: string): string =>
  `/${name}\tbridge\t{"11434/tcp":[{"HostIp":"","HostPort":"${port}"}]}\t[]\n`;
const onHost = (name: string, env: string): string => `/${name}\thost\t{}\t${env}\n`;

test('a container that publishes the port is found, by a name that is nothing else', async () => {
  const docker =
    row('web', 'nginx:1', 'running', published) +
    row('other', 'ollama/ollama', 'running', '0.0.0.0:9999->11434/tcp') +
    row('models', 'ollama/ollama', 'running', published);
  const run = containers(docker);
  assert.equal(await words(searchWith({}, { run })), 'docker restart models');
  assert.equal(await words(searchWith({}, { run, ports: [9999] })), 'docker restart other');
  const podman = row('m', 'docker.io/ollama/ollama', 'running', published);
  assert.equal(await words(searchWith({ podman })), 'podman restart m');
  for (const name of ['--rm', '$(x)', 'a b']) {
    const other = containers(row(name, 'ollama/ollama', 'running', published));
    assert.equal(await words(searchWith({}, { run: other })), 'none', name);
  }
});

test('a container that is stopped is found by what it is to publish', async () => {
  const stopped = row('models', 'ollama/ollama', 'exited') + row('web', 'nginx', 'exited');
  const run = containers(stopped, bound('models', '11434'));
  assert.equal(await words(searchWith({}, { run })), 'docker restart models');
  assert.equal(await words(searchWith({}, { run, ports: [9999] })), 'none');
  const host = containers(stopped, onHost('models', '["PATH=/bin","OLLAMA_HOST=0.0.0.0:9999"]'));
  assert.equal(await words(searchWith({}, { run: host, ports: [9999] })), 'docker restart models');
  assert.equal(await words(searchWith({}, { run: host })), 'none');
  assert.equal(await words(searchWith({}, { run: containers(stopped, 'no words of it') })), 'none');
});

test('of several containers for the port the one that runs is taken, and none of several that are stopped', async () => {
  const rows = row('old', 'ollama/ollama', 'exited') + row('new', 'ollama/ollama', 'running');
  const both = bound('old', '11434') + onHost('new', '[]');
  assert.equal(await words(searchWith({}, { run: containers(rows, both) })), 'docker restart new');
  const stopped = row('old', 'ollama/ollama', 'exited') + row('new', 'ollama/ollama', 'created');
  assert.equal(await words(searchWith({}, { run: containers(stopped, both) })), 'none');
});

test('what runs goes before what does not, wherever it is found', async () => {
  const container = containers(row('models', 'ollama/ollama', 'running', published));
  const withUnit =
    (state: string): RestartSearch['run'] =>
    async command =>
      command.file === 'systemctl' ? { code: 0, output: `${unit}\nActiveState=${state}` } : container(command);
  assert.equal(await words(searchWith({}, { run: withUnit('inactive') })), 'docker restart models');
  assert.equal(await words(searchWith({}, { run: withUnit('active') })), 'systemctl restart ollama.service');
});

test('a command of the settings is for the shell; off, no local server and several of them are reasons for none', async () => {
  const search = searchWith({}, { setting: 'svc restart', ports: [1, 2] });
  assert.deepEqual(await findRestartWay(search), {
    words: 'svc restart',
    command: { file: '/bin/sh', args: ['-c', 'svc restart'] },
  });
  for (const over of [{ setting: 'off' }, { ports: [] }, { ports: [1, 2] }, {}]) {
    assert.equal(await words(searchWith({}, over)), 'none');
  }
});
