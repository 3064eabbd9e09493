/** A heap that fills up within a moment, until the engine gives up: a real one. */
import { evaluateIn } from './evaluate-in.ts';

export async function runOutOfMemory(pid: number): Promise<void> {
  // In steps, so that whoever looks after the memory has its turn; too fast for it all the same.
  const fill = 'for (let index = 0; index < 400_000; index++) kept.push({ index, list: [index, index + 0.5] });';
  await evaluateIn(pid, `const kept = []; setInterval(function fillsTheHeap() { ${fill} }, 1); undefined`);
}
