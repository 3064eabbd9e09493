/** Starts another process at the hot store and talks to it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { PeerCommand, PeerReply } from './hot-peer-process.ts';

const script = fileURLToPath(new URL('hot-peer-process.ts', import.meta.url));

export interface HotPeer {
  readonly child: ChildProcess;
  /** Rejects when it dies before it answers. */
  ask(command: PeerCommand): Promise<PeerReply>;
  tell(command: PeerCommand): void;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

export interface HotPeers {
  /** Of their store. */
  readonly dir: string;
  start(): Promise<HotPeer>;
}

/** A folder of its own, and processes at the store in it; they are gone before it is removed, or they would make it again. */
export function hotPeers(t: TestContext): HotPeers {
  const base = mkdtempSync(join(tmpdir(), 'deci-hot-peers-'));
  const dir = join(base, 'hot');
  const started: HotPeer[] = [];
  t.after(async () => {
    await Promise.all(started.map(peer => peer.kill()));
    rmSync(base, { recursive: true, force: true });
  });
  const start = async (): Promise<HotPeer> => {
    const { peer, isReady } = launch(dir);
    started.push(peer);
    await isReady;
    return peer;
  };
  return { dir, start };
}

function launch(dir: string): { peer: HotPeer; isReady: Promise<unknown> } {
  const child = fork(script, [dir], { execArgv: [] });
  const gone = once(child, 'exit');
  const died = gone.then(([code, signal]) => Promise.reject(new Error(`the peer ended with ${code ?? signal}`)));
  died.catch(() => undefined);
  const reply = async (): Promise<PeerReply> =>
    ((await Promise.race([once(child, 'message'), died])) as [PeerReply])[0];
  const peer: HotPeer = {
    child,
    kill: async () => {
      child.kill('SIGKILL');
      await gone;
    },
    tell: command => void child.send(command),
    ask: command => {
      child.send(command);
      return reply();
    },
  };
  return { peer, isReady: reply() };
}
