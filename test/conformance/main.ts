/**
 * `npm run test:conformance -- --url URL [--model NAME] [--embed-model NAME]`: asks any server that claims to speak Ollama's
 * API, a real Ollama or Deci, for what clients depend on. A key, if it wants one, is read from DECI_KEY. Exit code 1 when something fails, 2 for a wrong call.
 */
import { parseArgs } from 'node:util';
import { modelChecks } from './model-checks.ts';
import { serverChecks } from './server-checks.ts';
import type { Target } from './target.ts';

const usage = `Usage: npm run test:conformance -- --url URL [--model NAME] [--embed-model NAME]
Asks any server that claims to speak Ollama's API for what clients depend on.
  --model NAME        a model that can chat; what generates is skipped without one
  --embed-model NAME  a model that embeds
  --help              print this
A Deci lets only its admin key change models: DECI_KEY=$(cat data/admin-key) npm run test:conformance -- --url URL
Exit codes: 0 all passed, 1 something failed, 2 usage.`;

function readTarget(): Target {
  try {
    const text = { type: 'string' } as const;
    const help = { type: 'boolean', short: 'h' } as const;
    const { values } = parseArgs({ options: { help, url: text, model: text, 'embed-model': text } });
    if (values.help === true) return explain();
    if (values.url === undefined || !URL.canParse(values.url)) throw new Error('--url wants a URL');
    const key = process.env['DECI_KEY'] || undefined;
    return { url: values.url, key, model: values.model, embedModel: values['embed-model'] };
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function explain(): never {
  console.log(usage);
  process.exit(0);
}

function refuse(message: string): never {
  console.error(`${message}\n${usage}`);
  process.exit(2);
}

const target = readTarget();
const counts = { passed: 0, failed: 0, skipped: 0 };
for (const { name, needs, run } of [...serverChecks, ...modelChecks]) {
  if (needs !== 'server' && target[needs] === undefined) {
    counts.skipped++;
    console.log(`skip  ${name} (needs --${needs === 'model' ? 'model' : 'embed-model'})`);
    continue;
  }
  try {
    await run(target);
    counts.passed++;
    console.log(`ok    ${name}`);
  } catch (error) {
    counts.failed++;
    console.log(
      `FAIL  ${name}\n      ${error instanceof Error ? error.message.replaceAll('\n', '\n      ') : String(error)}`,
    );
  }
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 ? 1 : 0;
