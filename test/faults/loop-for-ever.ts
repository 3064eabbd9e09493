/** An event loop that never comes back: a real endless loop. */
import { readFileSync } from 'node:fs';
import { until } from '../support/until.ts';
import { evaluateIn } from './evaluate-in.ts';

/** In clock ticks of 10 ms: so much an idle process does not take. */
const looping = 30;

/** Resolves when the process is in the loop. */
export async function loopForEver(pid: number): Promise<void> {
  const before = cpuTicks(pid);
  await evaluateIn(pid, 'void setTimeout(function neverEnds() { for (;;) {} }, 50)');
  await until('it loops', () => cpuTicks(pid) - before >= looping);
}

function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
