/** From the name in a request to a model, with the error each endpoint gives when there is none. */
import type { FakeServer } from './fake-server.ts';
import { fullName, isValidName, type ModelName, parseModelName, splitSource } from './model-name.ts';
import type { Capability, FakeModel } from './models.ts';
import {
  invalidModelName,
  modelNotFound,
  modelNotPulled,
  modelRequired,
  notSignedIn,
  WireError,
} from './wire-error.ts';

/** The parsed name; cloud names are refused as by a server whose user is not signed in. */
export function readName(raw: string, whenEmpty: () => WireError = modelRequired): ModelName {
  const trimmed = raw.trim();
  if (trimmed === '') throw whenEmpty();
  const { base, source } = splitSource(trimmed);
  if (source !== 'none' && splitSource(base).source !== 'none') {
    throw new WireError(400, `use either :local or :cloud, not both: ${JSON.stringify(trimmed)}`);
  }
  const name = parseModelName(base);
  if (!isValidName(name)) throw invalidModelName();
  if (source === 'cloud') throw notSignedIn();
  return name;
}

/** generate: a missing name is a model that does not exist. */
export function findForGenerate(server: FakeServer, raw: string): FakeModel {
  return existing(
    server,
    readName(raw, () => modelNotFound(raw)),
    () => modelNotFound(raw),
  );
}

export function findForChat(server: FakeServer, raw: string): FakeModel {
  return existing(server, readName(raw), () => modelNotFound(raw));
}

export function findForEmbed(server: FakeServer, raw: string): FakeModel {
  return existing(
    server,
    readName(raw, () => modelNotFound(raw)),
    () => modelNotPulled(raw),
  );
}

export function findForEmbeddings(server: FakeServer, raw: string): FakeModel {
  return existing(server, readName(raw), () => modelNotPulled(raw));
}

function existing(server: FakeServer, name: ModelName, whenMissing: () => WireError): FakeModel {
  const model = server.models.find(name);
  if (!model) throw whenMissing();
  return model;
}

/** `what` is the verb of the endpoint: a model without completion fails with it, other gaps with the name of the gap. */
export function requireCapabilities(
  model: FakeModel,
  asked: string,
  what: string,
  wanted: readonly Capability[],
): void {
  const missing = wanted.filter(ability => !model.capabilities.includes(ability));
  if (missing.length === 0) return;
  if (missing.includes('completion')) throw new WireError(400, `${JSON.stringify(asked)} does not support ${what}`);
  throw new WireError(400, `${fullName(model.name)} does not support ${missing.join('\n')}`);
}
