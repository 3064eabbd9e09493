/** From the spawn of one worker to its first answer, with its upstream there; and what it weighs when nobody asks. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Bench, type Result, spreadText } from './measure.ts';
import { rssMb } from './process-usage.ts';
import { spreadOf } from './statistics.ts';

const maxBootMs = 1500;
const maxIdleMb = 130;
const idleMs = 1500;

export async function measureBoot(bench: Bench): Promise<Result[]> {
  const boots: number[] = [];
  const idle: number[] = [];
  for (let i = 0; i < (bench.quick ? 3 : 5); i++) {
    const deci = await bench.startDeci();
    boots.push(deci.bootMs);
    if (i < 2) {
      await delay(idleMs);
      idle.push(rssMb(deci.pid));
    }
    await deci.stop();
  }
  const boot = spreadOf(boots);
  const rss = spreadOf(idle);
  return [
    {
      name: 'boot',
      measure: 'boot to ready, one worker',
      bar: `<= ${maxBootMs} ms`,
      value: `${boot.median.toFixed(0)} ms`,
      spread: spreadText(boot, 0),
      passed: boot.median <= maxBootMs,
      notes: [],
      data: { maxBootMs, boots },
    },
    {
      name: 'idle-rss',
      measure: 'RSS of an idle worker',
      bar: `<= ${maxIdleMb} MB`,
      value: `${rss.max.toFixed(0)} MB`,
      spread: spreadText(rss, 0),
      passed: rss.max <= maxIdleMb,
      notes: [],
      data: { maxIdleMb, idle },
    },
  ];
}
