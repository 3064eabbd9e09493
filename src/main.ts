/** A worker of the cluster. Everything else can be embedded elsewhere. */

import { checkout, readColour, readVersion } from './config/environment.ts';
import { isLoopback } from './config/own-address.ts';
import { runProcess } from './run-process.ts';

await runProcess({ noun: 'worker', source: `deci-${readColour()}` }, async (config, { print, leave }) => {
  const { createWorker } = await import('./app/create-worker.ts');
  return createWorker(config, {
    colour: readColour(),
    version: readVersion(checkout),
    loopback: isLoopback(config.host),
    print,
    leave,
  });
});
