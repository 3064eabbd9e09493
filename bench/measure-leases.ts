/** What a lease in the hot store costs while two processes fight for the same ones, and that nobody ever shares one. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hotFolderCandidates } from '../src/storage/hot-folder.ts';
import type { Contention } from './lease-contender.ts';
import { type Bench, type Result, spreadText } from './measure.ts';
import { quantile, spreadOf } from './statistics.ts';

const maxMedianUs = 40;
const maxP99Us = 1000;
const contender = fileURLToPath(new URL('lease-contender.ts', import.meta.url));

export async function measureLeases(bench: Bench): Promise<Result[]> {
  // Where the product would put it: in memory, if the machine has such a place.
  const runDir = mkdtempSync(join(tmpdir(), 'deci-bench-leases-'));
  const [dir = runDir] = hotFolderCandidates({ hotDir: undefined, runDir });
  try {
    const contentions = await fight(dir, bench.quick ? 5000 : 30_000);
    return [judge(contentions)];
  } finally {
    rmSync(runDir, { recursive: true, force: true });
    rmSync(dir, { recursive: true, force: true });
  }
}

async function fight(dir: string, rounds: number): Promise<Contention[]> {
  const children = [1, 2].map(() => fork(contender, { execArgv: [] }));
  try {
    await Promise.all(children.map(child => once(child, 'message')));
    return await Promise.all(children.map(child => contend(child, dir, rounds)));
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

async function contend(child: ChildProcess, dir: string, rounds: number): Promise<Contention> {
  const gone = once(child, 'exit').then(([code]) => Promise.reject(new Error(`a contender ended with ${code}`)));
  gone.catch(() => undefined);
  child.send({ dir, rounds });
  const [contention] = (await Promise.race([once(child, 'message'), gone])) as [Contention];
  return contention;
}

function judge(contentions: readonly Contention[]): Result {
  const latenciesUs = contentions.flatMap(one => one.latenciesUs);
  const sum = (of: 'refused' | 'late' | 'doubled'): number => contentions.reduce((total, one) => total + one[of], 0);
  const spread = spreadOf(latenciesUs);
  const p99Us = quantile(latenciesUs, 0.99);
  const passed = spread.median <= maxMedianUs && p99Us <= maxP99Us && sum('doubled') === 0;
  return {
    name: 'leases',
    measure: 'lease taken and given back, two contenders',
    bar: `p50 <= ${maxMedianUs} us, p99 <= ${maxP99Us} us`,
    value: `p50 ${spread.median.toFixed(1)} us, p99 ${p99Us.toFixed(0)} us`,
    spread: spreadText(spread, 0),
    passed,
    notes: [
      `${latenciesUs.length} leases; ${sum('refused')} times another had it, ${sum('late')} times the lock came too late,`,
      `${sum('doubled')} times two held the same one`,
    ],
    data: { maxMedianUs, maxP99Us, p99Us, spread, refused: sum('refused'), late: sum('late'), doubled: sum('doubled') },
  };
}
