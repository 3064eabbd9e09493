/** The control plane over HTTP, under /_fake/: never recorded and never hit by a fault. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJsonObject, readBody } from './body-json.ts';
import type { FakeControl } from './control.ts';
import { parseFault } from './faults.ts';

export const CONTROL_PREFIX = '/_fake/';

type ControlHandler = (control: FakeControl, body: Record<string, unknown>) => unknown;

const CONTROL_ROUTES: Readonly<Record<string, ControlHandler>> = {
  'GET /_fake/state': control => control.state(),
  'GET /_fake/fault': control => ({ faults: control.faults() }),
  'POST /_fake/fault': async (control, body) => {
    await control.fault(parseFault(body));
    return { faults: control.faults() };
  },
  'DELETE /_fake/fault': async control => {
    await control.clearFaults();
    return { faults: [] };
  },
  'POST /_fake/options': (control, body) => {
    control.setOptions(body);
    return {};
  },
  'POST /_fake/cut': control => {
    // After the answer has left: the caller's own connection is cut too.
    setImmediate(() => control.cutConnections());
    return {};
  },
  'POST /_fake/reset': async control => {
    await control.reset();
    return {};
  },
};

/** Not the lenient reading of Ollama's own routes: the names of our fields have capitals. */
function readFields(text: string): Record<string, unknown> {
  const value: unknown = text.trim() === '' ? {} : JSON.parse(text);
  if (!isJsonObject(value)) throw new TypeError('expected a JSON object');
  return value;
}

export async function answerControl(
  control: FakeControl,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const handler = CONTROL_ROUTES[`${request.method} ${path}`];
  const text = (await readBody(request))?.toString() ?? '';
  const send = (status: number, value: unknown) => {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(`${JSON.stringify(value)}\n`);
  };
  if (!handler) return send(404, { error: `no such control: ${request.method} ${path}` });
  try {
    send(200, await handler(control, readFields(text)));
  } catch (error) {
    send(400, { error: error instanceof Error ? error.message : String(error) });
  }
}
