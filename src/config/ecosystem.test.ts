import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Environment, readConfig } from './config.ts';
import { appName, ecosystemApps, exportedSettings, type Pm2App } from './ecosystem.ts';

function appsFor(env: Environment, colour: 'blue' | 'green' = 'blue'): Pm2App[] {
  return ecosystemApps(readConfig(env, '/srv/deci'), { checkout: '/srv/deci', colour, env });
}

function appFor(env: Environment, colour: 'blue' | 'green' = 'blue'): Pm2App {
  const [app] = appsFor(env, colour);
  assert.ok(app !== undefined);
  return app;
}

test('beside the workers there is control: one process of its own, which PM2 never gives up', () => {
  const [, control, ...others] = appsFor({}, 'green');
  assert.ok(control !== undefined && others.length === 0);
  assert.deepEqual(
    [control.name, control.namespace, control.exec_mode, control.instances, control.script],
    ['deci-control', 'deci-backend', 'fork', 1, '/srv/deci/src/control.ts'],
  );
  assert.equal(control.interpreter, process.execPath);
  assert.ok(control.autorestart && control.max_restarts > 100_000);
});

test('the app is the live colour, as a cluster of DECI_WORKERS', () => {
  const app = appFor({ DECI_WORKERS: '3' }, 'green');
  assert.deepEqual(
    [app.name, app.namespace, app.exec_mode, app.instances],
    ['deci-green', 'deci-backend', 'cluster', 3],
  );
  assert.equal(app.script, '/srv/deci/src/main.ts');
  assert.equal(app.env['DECI_COLOUR'], 'green');
  assert.equal(appName('blue'), 'deci-blue');
});

test('PM2 waits longer for a worker than the worker waits for itself', () => {
  assert.ok(appFor({ BOOT_TIMEOUT: '40s' }).listen_timeout > 40_000);
});

test('PM2 kills only after the drain and the farewell behind it', () => {
  assert.equal(appFor({ DRAIN_TIMEOUT: '2m' }).kill_timeout, 135_000);
});

test('memory: V8 gets 1.25 times the budget, PM2 the last limit', () => {
  const app = appFor({ HEAP_LIMIT_MB: '400', RSS_MAX_MB: '900' });
  assert.ok(app.node_args.includes('--max-old-space-size=500'));
  assert.equal(app.max_memory_restart, '900M');
});

test('each process has the cache of compiled code before its first file, wherever it lies', () => {
  for (const { node_args } of appsFor({ DECI_HOME: '/var/lib/my deci' })) {
    assert.equal(
      node_args[0],
      '--import=file:///srv/deci/src/compile-cache.js?dir=%2Fvar%2Flib%2Fmy+deci%2Frun%2Fcompile-cache',
    );
  }
});

test('a crash report names no variable of the environment and lands in the data folder', () => {
  const { node_args } = appFor({ DECI_HOME: '/var/lib/deci' });
  assert.ok(node_args.includes('--report-exclude-env'));
  assert.ok(node_args.includes('--report-directory=/var/lib/deci/data/crash-reports'));
});

test('output goes to the run folder, one file for all workers', () => {
  const app = appFor({ RUN_DIR: '/run/deci' });
  assert.deepEqual(
    [app.out_file, app.error_file],
    ['/run/deci/output/deci-blue-out.log', '/run/deci/output/deci-blue-error.log'],
  );
  assert.equal(app.merge_logs, true);
});

test('of the environment only our settings are passed on, an empty one too', () => {
  const env = { PORT: '4000', OLLAMA_URLS: '', AWS_SECRET_ACCESS_KEY: 'x', PATH: '/bin', DATABASE_PASSWORD: 'y' };
  assert.deepEqual(exportedSettings(env), { PORT: '4000', OLLAMA_URLS: '' });
  assert.deepEqual(Object.keys(appFor(env).env).toSorted(), ['DECI_COLOUR', 'NODE_ENV', 'OLLAMA_URLS', 'PORT']);
  assert.deepEqual(appFor(env).filter_env, ['']);
});

test('times of day are those of the zone of whoever starts it', () => {
  assert.equal(appFor({ TZ: 'Europe/Berlin' }).env['TZ'], 'Europe/Berlin');
  assert.equal('TZ' in appFor({}).env, false);
});
