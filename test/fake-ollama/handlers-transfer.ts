/** pull, push and create: streams of progress, or their last line alone. */
import { booleanField, isJsonObject, type JsonObject, objectField, stringField } from './body-json.ts';
import type { Exchange } from './exchange.ts';
import type { FakeServer } from './fake-server.ts';
import { readName } from './find-model.ts';
import { namedModel } from './handlers-inference.ts';
import { isValidName, parseModelName, splitSource } from './model-name.ts';
import { type Capability, describeModel, type FakeModel } from './models.ts';
import { invalidModelName, modelRequired, WireError } from './wire-error.ts';

interface Progress {
  status: string;
  digest?: string;
  total?: number;
  completed?: number;
}

/** What is going to be said, how it fails if it does, and what is true once "success" is said. */
interface Transfer {
  lines: Progress[];
  error?: WireError;
  commit?: () => void;
}

const LAYER_PARTS = 4;
/** Names with this in them do not exist in the registry. */
const UNKNOWN_TO_REGISTRY = /missing|nonexistent|does-not-exist/i;

function layerLines(verb: string, model: FakeModel): Progress[] {
  const layer = {
    status: `${verb} ${model.digest.slice(0, 12)}`,
    digest: `sha256:${model.digest}`,
    total: model.sizeBytes,
  };
  const parts = Array.from({ length: LAYER_PARTS }, (_, part) =>
    Math.round((model.sizeBytes * (part + 1)) / LAYER_PARTS),
  );
  return [layer, ...parts.map(completed => Object.assign({ completed }, layer))];
}

function pull(server: FakeServer, asked: string): Transfer {
  const start = { status: 'pulling manifest' };
  if (UNKNOWN_TO_REGISTRY.test(asked)) {
    return { lines: [start], error: new WireError(500, 'pull model manifest: file does not exist') };
  }
  const model = server.models.find(parseModelName(asked)) ?? {
    ...describeModel(asked),
    modifiedAtMs: server.timing.now(),
  };
  const rest = ['verifying sha256 digest', 'writing manifest', 'success'].map(status => ({ status }));
  return { lines: [start, ...layerLines('pulling', model), ...rest], commit: () => server.models.put(model) };
}

function push(server: FakeServer, asked: string): Transfer {
  const start = { status: 'retrieving manifest' };
  const model = server.models.find(parseModelName(asked));
  if (!model) {
    const lines = [start, { status: "couldn't retrieve manifest" }];
    return { lines, error: new WireError(500, 'file does not exist') };
  }
  return { lines: [start, ...layerLines('pushing', model), { status: 'pushing manifest' }, { status: 'success' }] };
}

export function handlePull(server: FakeServer, exchange: Exchange): Promise<void> {
  const body = exchange.body();
  const asked = namedModel(body).trim();
  readName(asked, invalidModelName);
  return send(server, exchange, body, pull(server, splitSource(asked).base));
}

export function handlePush(server: FakeServer, exchange: Exchange): Promise<void> {
  const body = exchange.body();
  const asked = namedModel(body);
  if (asked === '') throw modelRequired();
  return send(server, exchange, body, push(server, asked));
}

export function handleCreate(server: FakeServer, exchange: Exchange): Promise<void> {
  const body = exchange.body();
  checkFiles(body);
  const asked = namedModel(body);
  if (!isValidName(parseModelName(asked))) throw invalidModelName();
  return send(server, exchange, body, create(server, body, asked));
}

function checkFiles(body: JsonObject): void {
  for (const [file, digest] of Object.entries(objectField(body, 'files'))) {
    if (file.startsWith('/') || file.split('/').includes('..')) throw new WireError(400, 'file path must be relative');
    if (digest === '') throw new WireError(400, 'invalid digest format');
  }
}

function create(server: FakeServer, body: JsonObject, asked: string): Transfer {
  const from = stringField(body, 'from');
  const source = from === '' ? createFromFiles(server, body) : createFromModel(server, from);
  if (source.error) return source;
  const model = createdModel(server, body, asked, from);
  const rest = [`using existing layer sha256:${model.digest}`, 'writing manifest', 'success'].map(status => ({
    status,
  }));
  return { lines: [...source.lines, ...rest], commit: () => server.models.put(model) };
}

function createFromFiles(server: FakeServer, body: JsonObject): Transfer {
  const failed = (status: number, message: string): Transfer => ({ lines: [], error: new WireError(status, message) });
  if (!isJsonObject(body['files'])) return failed(400, "neither 'from' or 'files' was specified");
  const digests = Object.values(body['files']).map(String);
  if (digests.length === 0) return failed(400, 'no files provided to convert');
  const unknown = digests.find(digest => !server.blobs.has(digest.replace('-', ':')));
  if (unknown !== undefined) return failed(500, `open blobs/${unknown}: no such file or directory`);
  return { lines: [{ status: 'parsing GGUF' }] };
}

function createFromModel(server: FakeServer, from: string): Transfer {
  const name = parseModelName(from);
  if (!isValidName(name)) return { lines: [], error: invalidModelName() };
  if (server.models.find(name)) return { lines: [] };
  const pulled = pull(server, from);
  pulled.commit?.();
  return { ...pulled, lines: pulled.lines.filter(line => line.status !== 'success') };
}

function createdModel(server: FakeServer, body: JsonObject, asked: string, from: string): FakeModel {
  const info = objectField(body, 'info');
  const named = Array.isArray(info['capabilities']) ? (info['capabilities'] as Capability[]) : undefined;
  const base = server.models.find(parseModelName(from)) ?? describeModel(asked, named);
  const license = body['license'];
  return {
    ...base,
    name: parseModelName(asked),
    capabilities: named ?? base.capabilities,
    modifiedAtMs: server.timing.now(),
    parent: from,
    system: stringField(body, 'system') || base.system,
    template: stringField(body, 'template') || base.template,
    license: Array.isArray(license) ? license.join('\n') : stringField(body, 'license') || base.license,
    parameters: { ...base.parameters, ...objectField(body, 'parameters') },
  };
}

function send(server: FakeServer, exchange: Exchange, body: JsonObject, transfer: Transfer): Promise<void> {
  const { lines, error } = transfer;
  const isStream = booleanField(body, 'stream') ?? true;
  // An error before the first line, or without a stream, has a status of its own.
  if (error && (!isStream || lines.length === 0)) throw error;
  return isStream ? sendLines(server, exchange, transfer) : sendLast(server, exchange, transfer);
}

async function sendLines(server: FakeServer, exchange: Exchange, transfer: Transfer): Promise<void> {
  const { lines, error } = transfer;
  const sink = exchange.lines(lines.length + Number(error !== undefined));
  for (const line of lines) {
    if (line.status === 'success') transfer.commit?.();
    if (!(await sink.write(`${JSON.stringify(line)}\n`))) return;
    await pause(server, exchange);
    if (exchange.isGone) return;
  }
  if (error && !(await sink.write(`${JSON.stringify({ error: error.message })}\n`))) return;
  sink.end();
}

async function sendLast(server: FakeServer, exchange: Exchange, transfer: Transfer): Promise<void> {
  for (let index = 0; index < transfer.lines.length; index++) {
    await pause(server, exchange);
    if (exchange.isGone) return;
  }
  transfer.commit?.();
  await exchange.json(200, transfer.lines.at(-1));
}

async function pause(server: FakeServer, exchange: Exchange): Promise<void> {
  if (server.options.progressMs > 0) await server.timing.sleep(server.options.progressMs, exchange.signal);
}
