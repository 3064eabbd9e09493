/** An event loop that has more to do than time: real blocks of work, one behind the other, with a breath between them. */
import { evaluateIn } from './evaluate-in.ts';

const breathMs = 20;

/** @param blockMs how long each keeps the loop, from now on; 0 ends them */
export async function keepBusy(pid: number, blockMs: number): Promise<void> {
  // Code comes in by the debugger in the middle of a block too: it may change a number there, and not begin a second chain.
  const work = `function work() {
    const untilMs = performance.now() + globalThis.blockMs;
    while (performance.now() < untilMs);
    globalThis.isBusy = globalThis.blockMs > 0;
    if (globalThis.isBusy) setTimeout(work, ${breathMs});
  }`;
  const begin = `if (!globalThis.isBusy) { globalThis.isBusy = true; setTimeout(${work}, ${breathMs}); }`;
  await evaluateIn(pid, `globalThis.blockMs = ${blockMs}; ${blockMs === 0 ? '' : begin} 0`);
}
