/** A process that exists and does nothing any more: what a blocked event loop, a stopped container or a swap storm looks like. */

export interface Frozen extends Disposable {
  thaw(): void;
}

export function freezeProcess(pid: number): Frozen {
  process.kill(pid, 'SIGSTOP');
  const thaw = (): void => {
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // It was killed while it was frozen.
    }
  };
  return { thaw, [Symbol.dispose]: thaw };
}
