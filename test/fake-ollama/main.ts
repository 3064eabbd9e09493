/** The fake Ollama as a command: `node test/fake-ollama/main.ts --port 11434 --token-ms 20`. */
import { parseArgs } from 'node:util';
import type { FakeOptions } from './options.ts';
import { startFakeOllama } from './start-fake-ollama.ts';

const USAGE = `Usage: node test/fake-ollama/main.ts [options]
  --port N            port to listen on; 0 takes a free one (default 11434)
  --host ADDRESS      address to listen on (default 127.0.0.1)
  --models A,B        models in the list (default: the built-in catalogue)
  --tokens N          tokens of an answer without num_predict (default 20)
  --token-ms MS       pause per token (default 0: all at once)
  --first-token-ms MS fixed cost before the first token
  --prompt-token-ms MS  cost per prompt token that is not cached
  --load-ms MS        time to load a model
  --num-parallel N    requests a loaded model serves at once (default 1)
  --max-loaded N      models loaded at once (default 3)
  --max-queue N       requests that may wait for a load (default 512)
  --quiet             print nothing but the URL and errors`;

const NUMBERS = {
  port: 'port',
  tokens: 'tokens',
  'token-ms': 'tokenMs',
  'first-token-ms': 'firstTokenMs',
  'prompt-token-ms': 'promptTokenMs',
  'load-ms': 'loadMs',
  'num-parallel': 'numParallel',
  'max-loaded': 'maxLoaded',
  'max-queue': 'maxQueue',
} as const satisfies Record<string, keyof FakeOptions>;

interface Command {
  options: Partial<FakeOptions>;
  quiet: boolean;
  help: boolean;
}

function readCommand(): Command {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const numbers = Object.fromEntries(Object.keys(NUMBERS).map(name => [name, text]));
  const { values } = parseArgs({ options: { ...numbers, host: text, models: text, quiet: flag, help: flag } });
  const options: Partial<FakeOptions> = { port: 11_434 };
  for (const [name, field] of Object.entries(NUMBERS)) {
    const value: unknown = (values as Record<string, unknown>)[name];
    if (value === undefined) continue;
    const number = Number(value);
    if (value === '' || !(number >= 0))
      throw new TypeError(`--${name}: expected a number of 0 or more, got ${JSON.stringify(value)}`);
    options[field] = number;
  }
  if (values.host !== undefined) options.host = values.host;
  if (values.models !== undefined) options.models = values.models.split(',').filter(name => name !== '');
  return { options, quiet: values.quiet ?? false, help: values.help ?? false };
}

async function main(): Promise<number | undefined> {
  const command = readCommand();
  if (command.help) {
    console.log(USAGE);
    return 0;
  }
  const fake = await startFakeOllama(command.options);
  console.log(fake.url);
  const stop = () => {
    if (!command.quiet) console.log('stopped');
    void fake.stop();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  return undefined;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
