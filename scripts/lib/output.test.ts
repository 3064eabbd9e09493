import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

test('a script whose reader has left goes on to its end, without a stack', async () => {
  const code = `
    const { Output, runScript } = await import(${JSON.stringify(new URL('output.ts', import.meta.url).href)});
    process.stdin.once('data', () => void runScript(async () => {
      const out = new Output({ quiet: false, steps: 2 });
      await out.step('One', () => '');
      await new Promise(resolve => setImmediate(resolve));
      await out.step('Two', () => '');
      process.stdin.destroy();
      process.stderr.write('done');
      return 7;
    }));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'pipe' });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    stderr += part;
  });
  child.stdout.destroy();
  await once(child.stdout, 'close');
  child.stdin.end('go');
  const [exitCode] = (await once(child, 'close')) as [number];
  assert.deepEqual([exitCode, stderr], [7, 'done']);
});
