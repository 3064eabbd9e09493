import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pm2Process } from '../pm2-cli.ts';
import type { AskedWorker, WorkerState } from '../worker-sockets.ts';
import { judgeControl, judgeHome, judgeHomes, judgeWorkers } from './processes.ts';

function worker(pid: number, state?: WorkerState['state']): AskedWorker {
  const answer: WorkerState | undefined =
    state === undefined
      ? undefined
      : { pid, colour: 'blue', state, version: '1', host: 'h', port: 1, upstreams: [], active: 0, started_at: '' };
  return { worker: { pid, colour: 'blue', socketPath: '', pm2Home: undefined }, answer };
}

function process(more: Partial<Pm2Process> = {}): Pm2Process {
  return {
    id: 0,
    name: 'deci-blue',
    namespace: 'deci-backend',
    pid: 7,
    status: 'online',
    restarts: 0,
    memoryBytes: 0,
    upSince: 0,
    errorFile: '',
    ...more,
  };
}

test('workers: none is fine, all ready is fine, a silent one is a failure, a missing one a warning', () => {
  const two = { workers: 2 };
  assert.equal(judgeWorkers([], two).status, 'ok');
  assert.equal(judgeWorkers([worker(1, 'ready'), worker(2, 'ready'), worker(3, 'draining')], two).status, 'ok');
  assert.match(
    judgeWorkers([worker(1, 'ready'), worker(2)], two).detail,
    /1 worker of 2 live and do not answer \(pid 2\)/,
  );
  assert.deepEqual([judgeWorkers([worker(1, 'ready'), worker(2, 'starting')], two).status], ['warn']);
});

test('control: needed only where workers run; a socket that nobody answers on is a failure there', () => {
  const silent = { hasSocket: true, status: undefined, failure: 'ECONNREFUSED' };
  const none = { hasSocket: false, status: undefined, failure: undefined };
  const fine = { hasSocket: true, status: 200, failure: undefined };
  const judged = [
    judgeControl(none, 0),
    judgeControl(none, 2),
    judgeControl(fine, 2),
    judgeControl(silent, 2),
    judgeControl(silent, 0),
    judgeControl({ ...fine, status: 500 }, 2),
  ];
  assert.deepEqual(
    judged.map(({ status }) => status),
    ['ok', 'warn', 'ok', 'fail', 'warn', 'fail'],
  );
});

test('PM2: what it has given up is a failure, what it brought back of late a warning', () => {
  const now = 10 * 3_600_000;
  const judged = (...processes: Pm2Process[]) => judgeHome({ home: '/h', isUp: true, processes }, now);
  assert.equal(judgeHome({ home: '/h', isUp: false, processes: [] }, now).status, 'ok');
  assert.equal(judged().status, 'ok');
  assert.equal(judged(process(), process({ restarts: 3 })).status, 'ok');
  assert.equal(
    judged(process({ restarts: 3, upSince: now - 60_000 })).detail,
    'deci-blue (pid 7) restarted 3 times, last 1m 0s ago',
  );
  const errored = judged(process(), process({ status: 'errored', pid: 0, restarts: 11 }));
  assert.deepEqual([errored.status, errored.detail], ['fail', 'given up by PM2: deci-blue restarted 11 times']);
});

test('two homes with processes of ours, and workers without any daemon, are failures', () => {
  const home = (isUp: boolean, ...processes: Pm2Process[]) => ({ home: '/h', isUp, processes });
  assert.equal(judgeHomes([home(false), home(false)], 0).status, 'ok');
  assert.equal(judgeHomes([home(true, process()), home(true)], 2).status, 'ok');
  assert.equal(judgeHomes([home(true, process()), home(true, process())], 2).status, 'fail');
  assert.match(judgeHomes([home(false), home(false)], 2).detail, /without a PM2 daemon/);
});
