import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { judgeWatched, readWatchFacts } from './watched.ts';

const nothing = { cgroup: '0::/user.slice/user-1000.slice/session-3.scope\n', isContainer: false, cronLines: [] };

test('a daemon that nobody watches is a warning that says how to have it watched', () => {
  const finding = judgeWatched(nothing);
  assert.equal(finding.status, 'warn');
  assert.match(finding.fix ?? '', /deploy\/deci\.service.*scripts\/watchdog\.sh/);
});

test('systemd, cron or nothing to watch: all is well; what was started in a login is not watched', () => {
  for (const [change, status] of [
    [{ cgroup: '0::/system.slice/deci.service\n' }, 'ok'],
    [{ cgroup: '1:name=systemd:/system.slice/system-pm2.slice/pm2-ada.service\n' }, 'ok'],
    [{ cgroup: '0::/system.slice/ssh.service\n' }, 'warn'],
    [{ cgroup: '0::/system.slice/cron.service\n' }, 'warn'],
    [{ cronLines: ['* * * * * /opt/deci/scripts/watchdog.sh --quiet'] }, 'ok'],
    [{ cronLines: ['# * * * * * /opt/deci/scripts/watchdog.sh'] }, 'warn'],
    [{ cgroup: undefined }, 'ok'],
    [{ isContainer: true }, 'warn'],
  ] as const) {
    assert.equal(judgeWatched({ ...nothing, ...change }).status, status, JSON.stringify(change));
  }
});

test('what is read: the group of the daemon, marks of containers, the tables of the system', t => {
  const root = mkdtempSync(join(tmpdir(), 'deci-watched-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  assert.deepEqual(readWatchFacts(7, '', root), { cgroup: '', isContainer: false, cronLines: ['', ''] });
  for (const dir of ['proc/7', 'run', 'etc/cron.d']) mkdirSync(join(root, dir), { recursive: true });
  writeFileSync(join(root, 'proc/7/cgroup'), '0::/system.slice/deci.service\n');
  writeFileSync(join(root, 'run/.containerenv'), '');
  writeFileSync(join(root, 'etc/cron.d/deci'), '* * * * * deci /opt/deci/scripts/watchdog.sh');
  const facts = readWatchFacts(7, 'mine\n', root);
  assert.equal(facts.cgroup, '0::/system.slice/deci.service\n');
  assert.ok(facts.isContainer);
  assert.ok(facts.cronLines.some(line => line.endsWith('watchdog.sh')) && facts.cronLines.includes('mine'));
  assert.equal(readWatchFacts(undefined, '', root).cgroup, undefined);
});
