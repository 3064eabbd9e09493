/** Whether the settings can be used, all mistakes at once, and whether they let in more people than was meant. */
import { type Config, ConfigError, type Environment } from '../../../src/config/config.ts';
import { misspelledNames } from '../../../src/config/misplaced-names.ts';
import { isLoopback } from '../../../src/config/own-address.ts';
import { plural } from '../describe.ts';
import { type Finding, fail, ok, type Result, warn } from './finding.ts';

const group = 'Configuration';
const ofOthers = new Set(['DECI_COLOUR', 'DECI_URL', 'DECI_KEY', 'DECI_KEY_FILE']);

export interface Configuration {
  /** Undefined when it is not valid. */
  readonly config: Config | undefined;
  readonly results: readonly Result[];
}

export function examineConfiguration(load: () => Config, exported: Environment): Configuration {
  try {
    const config = load();
    const settings = ok(
      `valid: ${plural(config.workers, 'worker')}, ${plural(config.upstreams.length, 'Ollama host')}`,
    );
    return {
      config,
      results: [
        { group, name: 'settings', ...settings },
        { group, name: 'names', ...judgeNames(exported) },
        { group, name: 'access', ...judgeAccess(config) },
      ],
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { config: undefined, results: error.problems.map(problemResult) };
  }
}

function problemResult(problem: string): Result {
  const name = /^[.\w]+(?=:)/.exec(problem)?.[0] ?? 'settings';
  const detail = problem.slice(problem.startsWith(`${name}: `) ? name.length + 2 : 0);
  return {
    group,
    name,
    ...fail(detail, 'Correct it in .env or the environment: see docs/reference/configuration.md.'),
  };
}

/** In `.env` a misspelled name is an error; what is exported may be of another program, but hardly with our prefix. */
export function judgeNames(exported: Environment): Finding {
  const ours = Object.keys(exported).filter(name => name.startsWith('DECI_') && !ofOthers.has(name));
  const [first, ...others] = misspelledNames(ours);
  if (first === undefined) return ok('no misspelled setting');
  return warn([first, ...others].join('; '), 'Correct or remove what is exported.');
}

export function judgeAccess({ host, anonymousRole }: Pick<Config, 'host' | 'anonymousRole'>): Finding {
  if (anonymousRole === undefined) return ok('every caller needs a key');
  if (isLoopback(host)) return ok(`without a key: ${anonymousRole}, from this machine only (${host})`);
  const detail = `anybody who reaches ${host} is let in without a key, as ${anonymousRole}`;
  return warn(detail, 'Set DECI_AUTH=auto or required, or HOST=127.0.0.1.');
}
