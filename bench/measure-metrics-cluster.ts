/** `GET /metrics` of four real workers, from one of them: the question to the others on their sockets is part of it. */
import { type Bench, type Result, spreadText } from './measure.ts';
import { benchKey } from './scenarios.ts';
import { spreadOf } from './statistics.ts';

const maxMs = 50;
const workers = 4;

export async function measureMetricsCluster(bench: Bench): Promise<Result[]> {
  const servers = [];
  // One after the other: each looks at what the one before has made.
  for (let i = 0; i < workers; i++) servers.push(await bench.startDeci());
  const [first] = servers;
  if (first === undefined) throw new Error('no worker');
  const times: number[] = [];
  for (let i = 0; i < (bench.quick ? 20 : 100); i++) {
    const startedAt = performance.now();
    const answer = await fetch(`http://127.0.0.1:${first.port}/metrics`, { headers: { 'x-api-key': benchKey } });
    const text = await answer.text();
    times.push(performance.now() - startedAt);
    const up = text.match(/^deci_up\{process="blue-\d+"\} 1$/gm)?.length;
    if (up !== workers) throw new Error(`${up} of ${workers} workers answered`);
  }
  await Promise.all(servers.map(server => server.stop()));
  const spread = spreadOf(times);
  return [
    {
      name: 'metrics-cluster',
      measure: '`GET /metrics` of 4 workers',
      bar: `<= ${maxMs} ms`,
      value: `${spread.median.toFixed(1)} ms`,
      spread: spreadText(spread, 1),
      passed: spread.median <= maxMs,
      notes: [],
      data: spread,
    },
  ];
}
