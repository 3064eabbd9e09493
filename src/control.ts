/** The control process: one beside the workers. Serving never needs it. */
import { checkout, readVersion } from './config/environment.ts';
import { runProcess } from './run-process.ts';

await runProcess({ noun: 'control process', source: 'deci-control' }, async (config, { print, leave }) => {
  const { createControl } = await import('./app/create-control.ts');
  return createControl(config, { version: readVersion(checkout), print, leave });
});
