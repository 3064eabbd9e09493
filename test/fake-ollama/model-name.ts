/** Names of models as Ollama reads them: host/namespace/model:tag with defaults, compared without case. */

export interface ModelName {
  host: string;
  namespace: string;
  model: string;
  tag: string;
}

const DEFAULT_HOST = 'registry.ollama.ai';
const DEFAULT_NAMESPACE = 'library';

export function parseModelName(raw: string): ModelName {
  let rest = raw.trim().replace(/^https?:\/\//, '');
  let tag = 'latest';
  const colon = rest.lastIndexOf(':');
  if (colon > rest.lastIndexOf('/')) {
    tag = rest.slice(colon + 1);
    rest = rest.slice(0, colon);
  }
  const parts = rest.split('/');
  const model = parts.pop() ?? '';
  const namespace = parts.pop() ?? DEFAULT_NAMESPACE;
  const host = parts.length > 0 ? parts.join('/') : DEFAULT_HOST;
  return { host, namespace, model, tag };
}

export function isValidName(name: ModelName): boolean {
  return (
    /^\w[\w\-.:]{0,349}$/.test(name.host) &&
    /^\w[\w-]{0,79}$/.test(name.namespace) &&
    /^\w[\w\-.]{0,79}$/.test(name.model) &&
    /^\w[\w\-.]{0,79}$/.test(name.tag)
  );
}

export function fullName(name: ModelName): string {
  return `${name.host}/${name.namespace}/${name.model}:${name.tag}`;
}

export function shortName(name: ModelName): string {
  const model = `${name.model}:${name.tag}`;
  if (name.host.toLowerCase() !== DEFAULT_HOST) return `${name.host}/${name.namespace}/${model}`;
  return name.namespace.toLowerCase() === DEFAULT_NAMESPACE ? model : `${name.namespace}/${model}`;
}

/** Two spellings of one model have one key. */
export function nameKey(name: ModelName): string {
  return fullName(name).toLowerCase();
}

export type SourceSuffix = 'none' | 'local' | 'cloud';

/** Splits `:cloud`, `-cloud` and `:local` off a name, which say where the model runs. */
export function splitSource(raw: string): { base: string; source: SourceSuffix } {
  const colon = raw.lastIndexOf(':');
  const suffix = colon < 0 ? '' : raw.slice(colon + 1).toLowerCase();
  if (suffix === 'cloud' || suffix === 'local') return { base: raw.slice(0, colon), source: suffix };
  if (!suffix.includes('/') && suffix.endsWith('-cloud'))
    return { base: raw.slice(0, -'-cloud'.length), source: 'cloud' };
  return { base: raw, source: 'none' };
}
