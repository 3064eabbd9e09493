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

test('a container that publishes the port is found, by a name that is nothing else', async () => {
  const ports = '0.0.0.0:11434->11434/tcp, [::]:11434->11434/tcp';
  const row = (name: string, image: string, its = ports): string => `${name}\t${image}\t${its}\n`;
  const docker =
    row('web', 'nginx:1') + row('other', 'ollama/ollama', '0.0.0.0:9999->11434/tcp') + row('models', 'ollama/ollama');
  assert.equal(await words(searchWith({ docker })), 'docker restart models');
  assert.equal(await words(searchWith({ docker }, { ports: [9999] })), 'docker restart other');
  assert.equal(await words(searchWith({ podman: row('m', 'docker.io/ollama/ollama') })), 'podman restart m');
  for (const name of ['--rm', '$(x)', 'a b']) {
    assert.equal(await words(searchWith({ docker: row(name, 'ollama/ollama') })), 'none', name);
  }
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
