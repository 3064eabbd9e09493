/** `npm run pm2 -- monit|logs|ls ...`: PM2's own commands against the daemon that `npm start` uses. */
import { spawn } from 'node:child_process';
import { exportedSettings } from '../src/config/ecosystem.ts';
import { checkout } from '../src/config/environment.ts';
import { livingOf, openClusterAnyway } from './lib/cluster.ts';
import { exitCodes, ScriptFailure } from './lib/exit-codes.ts';
import { runScript } from './lib/output.ts';
import { foreignHomes } from './lib/pm2-homes.ts';

async function main(): Promise<number> {
  const cluster = openClusterAnyway();
  const { pm2 } = cluster;
  const given = process.argv.slice(2);
  const [elsewhere] = foreignHomes(cluster, await livingOf(cluster));
  if (elsewhere !== undefined) {
    const words = `Deci runs under PM2 home ${elsewhere}: PM2_HOME=${elsewhere} pm2 ${given.join(' ')}`.trimEnd();
    throw new ScriptFailure(exitCodes.preflight, words);
  }
  if (!(await pm2.isUp())) {
    throw new ScriptFailure(exitCodes.preflight, 'Our PM2 does not run: start the cluster with npm start.');
  }
  const { file, args, env } = pm2.command(given);
  // A command that reads ecosystem.config.js must find the same DECI_HOME as we do.
  const variables = { ...env, ...exportedSettings(process.env), TERM: process.env['TERM'] };
  const child = spawn(file, args, { cwd: checkout, env: variables, stdio: 'inherit' });
  // Ctrl-C reaches the child too, and it is the child that decides what to do with it.
  process.on('SIGINT', () => undefined);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', reject).once('close', code => resolve(code ?? exitCodes.interrupted));
  return promise;
}

await runScript(main);
