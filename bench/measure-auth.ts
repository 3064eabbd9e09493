/** What it costs to know who asks and whether he may: credentials, key, route, role, warm. */
import { Authenticator } from '../src/auth/authenticator.ts';
import { readCredentials } from '../src/auth/credentials.ts';
import { routeRows } from '../src/http/route-rows.ts';
import { RouteTable } from '../src/http/route-table.ts';
import { mayAct } from '../src/kernel/role.ts';
import { type Bench, type Result, spreadText } from './measure.ts';
import { benchKey } from './scenarios.ts';
import { spreadOf } from './statistics.ts';

const maxUs = 15;
const asked = [
  ['POST', '/api/chat'],
  ['GET', '/api/version'],
  ['POST', '/v1/chat/completions'],
  ['GET', '/v1/models/llama3.2'],
] as const;

export async function measureAuth({ quick }: Bench): Promise<Result[]> {
  const authenticator = new Authenticator({ adminKey: benchKey, anonymousRole: 'executor' });
  const routes = new RouteTable(routeRows().map(row => ({ ...row, handler: () => undefined })));
  const headers = { authorization: `Bearer ${benchKey}` };
  const times = quick ? 50_000 : 250_000;
  const round = (): number => {
    let allowed = 0;
    const startedAt = performance.now();
    for (let i = 0; i < times; i++) {
      const [method, path] = asked[i % asked.length] ?? asked[0];
      const { role } = authenticator.authenticate(readCredentials(headers));
      if (mayAct(role, routes.match(method, path).route.role)) allowed += 1;
    }
    if (allowed !== times) throw new Error('the admin key was refused');
    return ((performance.now() - startedAt) * 1000) / times;
  };
  round();
  const spread = spreadOf(Array.from({ length: quick ? 5 : 15 }, round));
  return [
    {
      name: 'auth',
      measure: 'key check and route look-up, warm',
      bar: `<= ${maxUs} us`,
      value: `${spread.median.toFixed(2)} us`,
      spread: spreadText(spread, 2),
      passed: spread.median <= maxUs,
      notes: [],
      data: spread,
    },
  ];
}
