/** `npm run demo` ends with all that it started, however it is told to. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { Pm2 } from '../../scripts/lib/pm2-cli.ts';
import { liveControl, liveWorkers } from '../../src/config/live-workers.ts';
import { checkout, clusterEnvironment } from '../support/start-cluster.ts';

test('a SIGTERM to npm ends the demo, its cluster and its fake Ollama', async () => {
  const home = mkdtempSync(join(tmpdir(), 'deci-'));
  const env = clusterEnvironment(home, {});
  const npm = spawn('npm', ['run', 'demo'], { cwd: checkout, env, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const ended = once(npm, 'close');
    let fake: string | undefined;
    for await (const line of createInterface({ input: npm.stdout })) {
      fake ??= /in front of a fake Ollama on (http:\S+?)\.?(?:\s|$)/.exec(line)?.[1];
      if (line.startsWith('Ctrl-C')) npm.kill('SIGTERM');
    }
    await ended;
    assert.ok(fake !== undefined);
    const runDir = join(home, 'run', 'demo', 'run');
    assert.deepEqual(liveWorkers(runDir), []);
    assert.equal(liveControl(runDir), undefined);
    assert.equal(await new Pm2(join(runDir, 'pm2'), checkout, env).isUp(), false);
    await assert.rejects(fetch(fake), 'the fake Ollama still answers');
  } finally {
    npm.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  }
});

test('every command of package.json takes the place of the shell that npm starts it in, so that signals reach it', () => {
  const { scripts } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const [name, command] of Object.entries(scripts)) assert.match(command, /^exec \S/, name);
});
