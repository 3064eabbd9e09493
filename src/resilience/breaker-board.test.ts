import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail, Machine } from '../../test/support/breaker-machine.ts';

test('a host that fails is not entered any more, the other one is', () => {
  const board = new Machine().board();
  fail(board, 2);
  assert.equal(board.enter('a', 'm'), undefined);
  assert.equal(board.enter('a', 'other'), undefined);
  assert.ok(board.enter('b', 'm'));
  assert.equal(board.cause('a', 'm'), 'upstream_broken');
});

test('a model that fails is left alone, the host and its other models are not', () => {
  const machine = new Machine();
  const board = machine.board();
  fail(board, 2, 'server_error');
  machine.nowMs += 600;
  board.sync();
  assert.equal(board.enter('a', 'm'), undefined);
  assert.ok(board.enter('a', 'other'));
  assert.ok(board.enter('b', 'm'));
});

test('a busy host and clients that leave open nothing', () => {
  const board = new Machine().board();
  fail(board, 50, 'busy');
  for (let time = 0; time < 50; time++) board.enter('a', 'm')?.left();
  assert.equal(board.standing('a', 'm'), 'closed');
});

test('another worker knows with its next look, and does not tell of it a second time', () => {
  const machine = new Machine();
  const [mine, other] = [machine.board(), machine.board()];
  fail(mine, 2);
  assert.equal(other.standing('a', 'm'), 'closed');
  other.sync();
  assert.equal(other.standing('a', 'm'), 'open');
  assert.deepEqual(
    machine.changes.map(({ done, first }) => [done, first]),
    [
      ['opened', true],
      ['opened', false],
    ],
  );
});

test('failures in a row are counted together by all workers; a success of any of them begins anew', () => {
  const machine = new Machine();
  const [mine, other] = [
    machine.board({ failures: 5, resetMs: 60_000 }),
    machine.board({ failures: 5, resetMs: 60_000 }),
  ];
  const sync = (): void => {
    mine.sync();
    other.sync();
  };
  fail(mine, 2);
  fail(other, 2);
  sync();
  other.enter('a', 'm')?.succeeded();
  fail(mine, 2);
  fail(other, 2);
  assert.equal(mine.standing('a', 'm'), 'closed');
  fail(other, 1);
  assert.equal(other.standing('a', 'm'), 'open');
  assert.equal(machine.store.failures.size, 0);
  sync();
  assert.equal(mine.standing('a', 'm'), 'open');
});

test('its time over, one attempt of all workers is let through; begun, it closes the breaker for all', () => {
  const machine = new Machine();
  const [mine, other] = [machine.board(), machine.board()];
  fail(mine, 2);
  other.sync();
  machine.nowMs += 60_000;
  const trial = other.enter('a', 'm');
  assert.ok(trial);
  assert.equal(mine.enter('a', 'm'), undefined, 'the other worker tries it');
  assert.equal(other.enter('a', 'm'), undefined);
  machine.nowMs += 10;
  trial.begun();
  assert.ok(other.enter('a', 'm'));
  mine.sync();
  assert.ok(mine.enter('a', 'm'));
  trial.failed('truncated', 'late');
  assert.equal(machine.store.trials.size, 0);
});

test('a trial that fails opens it again, for longer; one that nobody saw the end of gives way', () => {
  const machine = new Machine();
  const board = machine.board();
  fail(board, 2);
  machine.nowMs += 5000;
  board.enter('a', 'm')?.left();
  board.enter('a', 'm')?.failed('broken', 'upstream_broken');
  machine.nowMs += 9999;
  assert.equal(board.enter('a', 'm'), undefined);
  machine.nowMs += 1;
  assert.ok(board.enter('a', 'm'));
});

test('what was under way before it opened does not open it again when it fails late', () => {
  const machine = new Machine();
  const board = machine.board();
  const late = [board.enter('a', 'm'), board.enter('a', 'm')];
  fail(board, 2);
  machine.nowMs += 5000;
  assert.equal(board.standing('a', 'm'), 'half_open');
  for (const pass of late) pass?.failed('broken', 'upstream_broken');
  assert.equal(board.standing('a', 'm'), 'half_open');
});

test('a trial that is refused in words closes the breaker of the host, not that of the model', () => {
  const machine = new Machine();
  const board = machine.board();
  fail(board, 2, 'server_error');
  machine.nowMs += 600;
  board.sync();
  for (const _ of [1, 2]) board.enter('a', 'x')?.failed('broken', 'upstream_broken');
  machine.nowMs += 5000;
  board.enter('a', 'm')?.failed('busy', 'upstream_refused');
  assert.deepEqual([board.standing('a', 'x'), board.standing('a', 'm')], ['closed', 'half_open']);
});

test('a trial that does not end gives way after half a minute', () => {
  const machine = new Machine();
  const board = machine.board();
  fail(board, 2);
  machine.nowMs += 5000;
  assert.ok(board.enter('a', 'm'));
  machine.store.trials.clear();
  assert.equal(board.enter('a', 'm'), undefined);
  machine.nowMs += 30_000;
  assert.ok(board.enter('a', 'm'));
});

test('a host that speaks again is tried at once, with all its models', () => {
  const machine = new Machine();
  const board = machine.board();
  fail(board, 2, 'server_error');
  fail(board, 2);
  board.enter('a', 'x')?.failed('broken', 'upstream_broken');
  board.enter('a', 'x')?.failed('broken', 'upstream_broken');
  board.heard('b');
  assert.equal(board.standing('a', 'm'), 'open');
  board.heard('a');
  assert.equal(board.standing('a', 'm'), 'half_open');
});

test('reset by hand it is closed for all; a name that is none is told', () => {
  const machine = new Machine();
  const [mine, other] = [machine.board(), machine.board()];
  fail(mine, 2);
  other.sync();
  machine.nowMs += 1;
  assert.equal(other.reset('a'), true);
  mine.sync();
  assert.ok(mine.enter('a', 'm'));
  assert.equal(mine.reset('nope'), false);
});

test('a dry run, and one above the budget, tell and open nothing; off does not even tell', () => {
  const machine = new Machine();
  const board = machine.board();
  for (const mode of ['dry_run', 'suppressed', 'off'] as const) {
    machine.mode = mode;
    fail(board, 2);
    assert.ok(board.enter('a', 'm'), mode);
  }
  assert.deepEqual(
    machine.changes.map(({ done, cause }) => [done, cause]),
    [
      ['dry_run', 'upstream_broken'],
      ['suppressed', 'upstream_broken'],
    ],
  );
});

test('a host that is condemned is left alone by all workers, once, and only where it may be', () => {
  const machine = new Machine();
  const [mine, other] = [machine.board(), machine.board()];
  const verdict = { signal: 'silent', value: 7000, threshold: null } as const;
  machine.mode = 'dry_run';
  mine.condemn('a', 'first_token_timeout', verdict);
  assert.equal(mine.standing('a', 'm'), 'closed');
  machine.mode = 'on';
  mine.condemn('a', 'first_token_timeout', verdict);
  mine.condemn('a', 'first_token_timeout', verdict);
  mine.condemn('nobody', 'first_token_timeout', verdict);
  other.sync();
  assert.equal(other.enter('a', 'm'), undefined);
  assert.equal(other.cause('a', ''), 'first_token_timeout');
  assert.deepEqual(
    machine.changes.filter(({ first }) => first).map(({ done, verdict: why }) => [done, why?.signal]),
    [
      ['dry_run', 'silent'],
      ['opened', 'silent'],
    ],
  );
});

test('switched off, nothing is counted', () => {
  const board = new Machine().board('off');
  fail(board, 100);
  assert.ok(board.enter('a', 'm'));
});

test('however many models clients name, no more than a thousand are remembered', () => {
  const board = new Machine().board();
  for (let at = 0; at < 1500; at++) board.enter('a', `m${at}`)?.succeeded();
  assert.ok(board.list().length <= 1000);
  assert.ok(board.list().some(({ name }) => name === 'a'));
});
