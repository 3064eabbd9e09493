/** The rate of failures, over all workers and all who ask. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Machine } from '../../test/support/breaker-machine.ts';
import type { BreakerLimits } from './breaker.ts';
import type { BreakerBoard } from './breaker-board.ts';

const wide: BreakerLimits = { failures: 5, resetMs: 60_000 };

interface Spoken {
  readonly owner: string;
  readonly body: string;
}

function failOnce(board: BreakerBoard, source: Spoken): void {
  board.enter('a', 'm', source)?.failed('server_error', 'upstream_refused');
}

test('the rate of failures is that of all workers together', () => {
  const machine = new Machine();
  const [mine, other] = [machine.board(wide), machine.board(wide)];
  const source = (number: number): Spoken => ({ owner: `o${number}`, body: `b${number}` });
  // One success in every worker between any two failures: never two in a row.
  for (let round = 0; round < 3; round++) {
    for (const board of [mine, other]) {
      if (round < 2) board.enter('a', 'm', source(1))?.succeeded();
      failOnce(board, source(round * 2));
      mine.sync();
      other.sync();
    }
  }
  assert.equal(other.standing('a', 'm'), 'open');
  assert.equal(machine.changes.find(({ first }) => first)?.verdict?.signal, 'failure_rate');
  assert.deepEqual(machine.store.outcomes('a m'), [], 'it begins anew');
});

test('what another worker serves keeps a breaker closed that fails here', () => {
  const machine = new Machine();
  const [mine, other] = [machine.board(wide), machine.board(wide)];
  for (let time = 0; time < 20; time++) other.enter('a', 'm')?.succeeded();
  failOnce(mine, { owner: 'x', body: '1' });
  other.sync();
  for (let time = 2; time < 8; time++) {
    mine.enter('a', 'm')?.succeeded();
    failOnce(mine, { owner: `x${time}`, body: String(time) });
  }
  assert.equal(mine.standing('a', 'm'), 'closed');
});

test('one client whose requests fail does not close a host to the others whom it serves', () => {
  const board = new Machine().board(wide);
  for (let time = 0; time < 30; time++) {
    failOnce(board, { owner: 'clumsy', body: `${time}` });
    failOnce(board, { owner: 'clumsy', body: `again ${time}` });
    board.enter('a', 'm', { owner: 'neat', body: 'b' })?.succeeded();
  }
  assert.equal(board.standing('a', 'm'), 'closed');
  failOnce(board, { owner: 'another', body: 'b' });
  assert.equal(board.standing('a', 'm'), 'open');
});

test('nor does one question that always fails, whoever else is served', () => {
  const board = new Machine().board(wide);
  for (let time = 0; time < 30; time++) {
    failOnce(board, { owner: 'one', body: 'poison' });
    failOnce(board, { owner: 'one', body: 'poison' });
    board.enter('a', 'm', { owner: 'one', body: 'b' })?.succeeded();
  }
  assert.equal(board.standing('a', 'm'), 'closed');
  failOnce(board, { owner: 'one', body: 'another' });
  assert.equal(board.standing('a', 'm'), 'open');
});

test('where nobody is served, five in a row open it whoever asked', () => {
  const machine = new Machine();
  const board = machine.board(wide);
  for (let time = 0; time < 5; time++) failOnce(board, { owner: 'one', body: 'poison' });
  board.sync();
  assert.equal(board.standing('a', 'm'), 'closed', 'the others have not been heard yet');
  machine.nowMs += 600;
  board.sync();
  assert.equal(board.standing('a', 'm'), 'open');
});

test('five in a row of one client close nothing to those whom another worker serves; five of two do, at once', () => {
  const machine = new Machine();
  const [mine, other] = [machine.board(wide), machine.board(wide)];
  for (let round = 0; round < 10; round++) {
    for (let time = 0; time < 5; time++) failOnce(mine, { owner: 'clumsy', body: `${round} ${time}` });
    other.enter('a', 'm', { owner: 'neat', body: 'b' })?.succeeded();
    machine.nowMs += 400;
    other.sync();
    mine.sync();
  }
  assert.equal(mine.standing('a', 'm'), 'closed');
  for (let time = 0; time < 5; time++) failOnce(mine, { owner: time % 2 === 0 ? 'clumsy' : 'neat', body: `${time}` });
  assert.equal(mine.standing('a', 'm'), 'open');
});

test('a trial of our own that succeeded is nobody who is served', () => {
  const machine = new Machine();
  const [mine, other] = [machine.board(wide), machine.board(wide)];
  other.enter('a', 'm')?.succeeded();
  for (let time = 0; time < 5; time++) failOnce(mine, { owner: 'clumsy', body: `${time}` });
  other.sync();
  machine.nowMs += 600;
  mine.sync();
  assert.equal(mine.standing('a', 'm'), 'open');
});

test('who was served long ago does not keep it closed', () => {
  const machine = new Machine();
  const [mine, other] = [machine.board(wide), machine.board(wide)];
  other.enter('a', 'm', { owner: 'neat', body: 'b' })?.succeeded();
  machine.nowMs += 30_000;
  for (let time = 0; time < 5; time++) failOnce(mine, { owner: 'clumsy', body: `${time}` });
  other.sync();
  machine.nowMs += 600;
  mine.sync();
  assert.equal(mine.standing('a', 'm'), 'open');
});
