import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Request, Response } from 'express';
import { createAccessLog } from './access-log.ts';
import { RequestContext } from './request-context.ts';

const now = Date.UTC(2026, 10, 21, 10, 0, 0, 7);

interface Given {
  readonly method?: string;
  readonly url?: string;
  readonly address?: string | undefined;
  readonly status?: number | undefined;
  readonly change?: (context: RequestContext) => void;
}

function context({ method = 'POST', url = '/api/chat', address, status = 200, change }: Given, id = 'req_1') {
  const req = { method, url, socket: {} } as unknown as Request;
  const res = { headersSent: status !== undefined && status !== 0, statusCode: status } as unknown as Response;
  const made = new RequestContext(id, req, res);
  made.address = address ?? '';
  made.route = {
    path: '/api/chat',
    dialect: 'ollama',
    role: 'executor',
    body: 'inference',
    rate: 'execute',
    time: 'inference',
  };
  change?.(made);
  return made;
}

/** The line of a request; it must be one line of valid JSON. */
function line(given: Given = {}, id?: string): Record<string, unknown> {
  const lines: string[] = [];
  const record = createAccessLog({ source: 'deci-blue', pid: 42, write: text => lines.push(text), now: () => now });
  record(context(given, id));
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /^[^\n]*\n$/);
  return JSON.parse(lines[0]!) as Record<string, unknown>;
}

test('a line says who asked for what, how it ended and how long it took', () => {
  const { ms, ...rest } = line({
    address: '::ffff:127.0.0.1',
    change: made => {
      made.upstream = 'gpu:11434';
      made.model = 'llama3.2';
      made.promptTokens = 12;
      made.outputTokens = 0;
      made.bytesOut = 345;
      made.body = Buffer.alloc(67);
    },
  });
  assert.ok(typeof ms === 'number' && ms >= 0);
  assert.deepEqual(rest, {
    time: '2026-11-21T10:00:00.007Z',
    level: 'info',
    source: 'deci-blue',
    pid: 42,
    message: 'request',
    id: 'req_1',
    method: 'POST',
    route: '/api/chat',
    status: 200,
    address: '::ffff:127.0.0.1',
    outcome: 'complete',
    upstream: 'gpu:11434',
    model: 'llama3.2',
    prompt_tokens: 12,
    output_tokens: 0,
    bytes_out: 345,
    bytes_in: 67,
  });
});

test('what is not known is left out', () => {
  const keys = Object.keys(line());
  for (const absent of ['upstream', 'model', 'prompt_tokens', 'output_tokens', 'bytes_out', 'bytes_in', 'rss_mb']) {
    assert.ok(!keys.includes(absent), absent);
  }
});

test('the line is valid JSON whatever the client sends', () => {
  const nasty = [
    '"',
    '\\',
    '"}\n{"level":"error',
    '\u0000\u001f',
    '\u2028',
    '\ud83d',
    '🦙',
    `${'x'.repeat(199)}🦙`,
    '</script>',
    '',
  ];
  for (const text of nasty) {
    const parsed = line({
      url: `/${text}`,
      change: made => {
        made.model = text;
        made.route = undefined;
      },
    });
    assert.equal(parsed['message'], 'request');
    assert.equal(parsed['level'], 'info');
    assert.equal(String(parsed['model']).slice(0, 5), text.slice(0, 200).slice(0, 5));
  }
});

test('what a client makes long is cut', () => {
  const parsed = line({
    url: `/${'y'.repeat(5000)}`,
    change: made => {
      made.model = 'x'.repeat(5000);
      made.route = undefined;
    },
  });
  assert.equal(String(parsed['model']).length, 200);
  assert.equal(String(parsed['path']).length, 200);
});

test('without a route the path is told, without its query', () => {
  const parsed = line({
    url: '/nothing/here?key=secret',
    status: 404,
    change: made => {
      made.route = undefined;
      made.outcome = 'route_not_found';
    },
  });
  assert.deepEqual(
    [parsed['route'], parsed['path'], parsed['status'], parsed['outcome']],
    [null, '/nothing/here', 404, 'route_not_found'],
  );
});

test('a request that got no answer has status 0, and one whose socket is gone has no address', () => {
  const parsed = line({ status: 0 });
  assert.deepEqual([parsed['status'], parsed['address']], [0, '']);
});

test('a large body shows what the process holds at its end', () => {
  const parsed = line({
    change: made => {
      made.body = Buffer.alloc(1024 * 1024 + 1);
    },
  });
  assert.ok(Number(parsed['rss_mb']) > 0);
});

test('a request that held much memory by itself says how much', () => {
  const megabyte = 1024 * 1024;
  const held = (bytesIn: number, bytesOut: number, phase?: 'streaming'): unknown =>
    line({
      change: request => {
        request.body = Buffer.alloc(bytesIn);
        request.bytesOut = bytesOut;
        request.streamPhase = phase;
        Object.assign(request.res, { writableLength: 0 });
      },
    })['held_bytes'];
  assert.equal(held(5 * megabyte, 4 * megabyte), 9 * megabyte);
  assert.equal(
    held(5 * megabyte, 4 * megabyte, 'streaming'),
    undefined,
    'a stream holds only what nobody has taken yet',
  );
  assert.equal(held(8 * megabyte, 0), undefined);
});

test('times are right across seconds, and for the first second of all', () => {
  const lines: string[] = [];
  let ms = 0;
  const record = createAccessLog({ source: 's', pid: 1, write: text => lines.push(text), now: () => ms });
  const times = [now, now + 3, now + 992, now + 993, now + 60_000, now - 5000];
  for (const time of times) {
    ms = time;
    record(context({}));
  }
  assert.deepEqual(
    lines.map(text => (JSON.parse(text) as { time: string }).time),
    times.map(time => new Date(time).toISOString()),
  );
});
