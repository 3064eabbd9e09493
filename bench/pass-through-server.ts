/**
 * A plain pass-through: node:http in front, undici behind, bodies piped with back-pressure and nothing else. The reference
 * for everything that has an upstream. `node bench/pass-through-server.ts` with PORT and UPSTREAM.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';

const pool = new Pool(process.env['UPSTREAM'] ?? '', { headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 30_000 });
const passedOn = ['content-type', 'content-length'] as const;

function pick(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string | string[]> {
  const picked: Record<string, string | string[]> = {};
  for (const name of passedOn) {
    const value = headers[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}

async function relay(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const hasBody = req.method === 'POST';
  const answer = await pool.request({
    method: req.method as Dispatcher.HttpMethod,
    path: req.url ?? '/',
    headers: pick(req.headers),
    body: hasBody ? req : null,
  });
  res.writeHead(answer.statusCode, pick(answer.headers));
  pipeline(answer.body, res, error => {
    if (error) res.destroy();
  });
}

const server = createServer((req, res) => {
  relay(req, res).catch(() => {
    if (res.headersSent) res.destroy();
    else res.writeHead(502).end();
  });
});
server.listen(Number(process.env['PORT']), '127.0.0.1');
