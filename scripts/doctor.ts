/** `npm run doctor`: looks at everything a start depends on, changes nothing, and says what to do about what is wrong. */
import { join } from 'node:path';
import type { Config } from '../src/config/config.ts';
import { checkout, loadConfig } from '../src/config/environment.ts';
import { storeForm } from '../src/storage/store-form.ts';
import { clockChecks } from './lib/doctor/clock.ts';
import { clusterChecks, clusterGroups } from './lib/doctor/cluster-checks.ts';
import { examineConfiguration } from './lib/doctor/configuration.ts';
import { crashChecks, crashGroup } from './lib/doctor/crashes.ts';
import type { Check } from './lib/doctor/finding.ts';
import { memoryChecks, memoryGroup } from './lib/doctor/memory.ts';
import { placesChecks, placesGroup } from './lib/doctor/places.ts';
import { describe, exitCodeFor, verdictOf } from './lib/doctor/report.ts';
import { runChecks } from './lib/doctor/run-checks.ts';
import { runtimeChecks } from './lib/doctor/runtime.ts';
import { storeChecks, storeGroup } from './lib/doctor/store.ts';
import { restartCheck, upstreamChecks, upstreamGroup } from './lib/doctor/upstreams.ts';
import { exitCodes } from './lib/exit-codes.ts';
import { readFlags } from './lib/flags.ts';
import { runScript } from './lib/output.ts';

const usage = `Usage: npm run doctor [-- OPTION...]
Looks at the runtime, the configuration, folders, memory, the port, processes, crashes, Ollama and the store. Changes nothing.
  --json    print one JSON object for each check, and the verdict as the last
  --help    print this
Exit codes: 0 nothing failed (there may be warnings), 2 usage, 3 something failed, 78 bad configuration.`;

async function main(): Promise<number> {
  const flags = readFlags(usage, ['json']);
  if (flags === undefined) return exitCodes.done;
  const configuration = examineConfiguration(loadConfig, process.env);
  const { config } = configuration;
  const results = [
    ...(await runChecks(runtimeChecks(checkout, process))),
    ...configuration.results,
    ...(await runChecks([
      ...(config === undefined ? [] : configuredChecks(config)),
      ...clockChecks(checkout, Date.now),
    ])),
  ];
  const notChecked =
    config === undefined ? [placesGroup, memoryGroup, ...clusterGroups, crashGroup, upstreamGroup, storeGroup] : [];
  const verdict = verdictOf(results, notChecked);
  const lines = flags.json ? [...results, verdict].map(line => JSON.stringify(line)) : describe(results, verdict);
  for (const line of lines) console.log(line);
  return exitCodeFor(verdict, config !== undefined);
}

function configuredChecks(config: Config): Check[] {
  return [
    ...placesChecks(config.places),
    ...memoryChecks(config),
    ...clusterChecks(config, process.env),
    ...crashChecks(config, Date.now),
    ...upstreamChecks(config.upstreams),
    restartCheck(config),
    ...storeChecks(join(config.places.dataDir, 'deci.sqlite'), storeForm),
  ];
}

await runScript(main);
