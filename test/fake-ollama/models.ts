/** The models a fake server holds: a catalogue to begin with, changed by pull, create, copy and delete. */
import { hash } from 'node:crypto';
import { type ModelName, nameKey, parseModelName, shortName } from './model-name.ts';

export type Capability = 'completion' | 'tools' | 'insert' | 'vision' | 'embedding' | 'thinking';

export interface FakeModel {
  readonly name: ModelName;
  readonly capabilities: readonly Capability[];
  readonly family: string;
  readonly parameterSize: string;
  readonly quantization: string;
  readonly sizeBytes: number;
  readonly contextLength: number;
  readonly embeddingLength: number;
  readonly digest: string;
  readonly modifiedAtMs: number;
  readonly parent: string;
  readonly system: string;
  readonly template: string;
  readonly license: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

const CATALOGUE: Readonly<Record<string, readonly Capability[]>> = {
  'llama3.2:latest': ['completion', 'tools'],
  'qwen3:latest': ['completion', 'tools', 'thinking'],
  'llava:latest': ['completion', 'vision'],
  'nomic-embed-text:latest': ['embedding'],
  'codellama:latest': ['completion', 'insert'],
  'hf.co/bartowski/tiny:q4': ['completion'],
};

const FAMILIES: Readonly<Record<string, string>> = { embedding: 'nomic-bert', thinking: 'qwen3', vision: 'llama' };
const GIGABYTE = 1_000_000_000;
const CATALOGUE_DATE_MS = Date.UTC(2026, 6, 1);

/** Abilities of a model nobody described: guessed from its name, as its publisher would have named it. */
function guessCapabilities(name: ModelName): readonly Capability[] {
  const known = CATALOGUE[shortName({ ...name, tag: 'latest' })];
  if (known) return known;
  if (/embed|bge|minilm/i.test(name.model)) return ['embedding'];
  if (/llava|vision|vl/i.test(name.model)) return ['completion', 'vision'];
  if (/qwen3|deepseek-r1|gpt-oss/i.test(name.model)) return ['completion', 'tools', 'thinking'];
  if (/code/i.test(name.model)) return ['completion', 'insert'];
  return ['completion', 'tools'];
}

export function describeModel(raw: string, capabilities?: readonly Capability[]): FakeModel {
  const name = parseModelName(raw);
  const abilities = capabilities ?? CATALOGUE[raw] ?? guessCapabilities(name);
  const special = abilities.find(ability => ability in FAMILIES);
  const isEmbedding = abilities.includes('embedding');
  return {
    name,
    capabilities: abilities,
    family: (special === undefined ? undefined : FAMILIES[special]) ?? 'llama',
    parameterSize: isEmbedding ? '137M' : '3.2B',
    quantization: isEmbedding ? 'F16' : 'Q4_K_M',
    sizeBytes: isEmbedding ? 0.27 * GIGABYTE : 2 * GIGABYTE,
    contextLength: isEmbedding ? 2048 : 131_072,
    embeddingLength: isEmbedding ? 768 : 3072,
    digest: hash('sha256', nameKey(name)),
    modifiedAtMs: CATALOGUE_DATE_MS,
    parent: '',
    system: '',
    template: '{{ .System }}{{ .Prompt }}',
    license: '',
    parameters: {},
  };
}

export class ModelStore {
  readonly #models = new Map<string, FakeModel>();

  constructor(names: readonly string[] | undefined) {
    for (const name of names ?? Object.keys(CATALOGUE)) this.put(describeModel(name));
  }

  put(model: FakeModel): void {
    this.#models.set(nameKey(model.name), model);
  }

  find(name: ModelName): FakeModel | undefined {
    return this.#models.get(nameKey(name));
  }

  remove(name: ModelName): boolean {
    return this.#models.delete(nameKey(name));
  }

  copy(source: ModelName, destination: ModelName, nowMs: number): boolean {
    const model = this.find(source);
    if (model) this.put({ ...model, name: destination, modifiedAtMs: nowMs });
    return model !== undefined;
  }

  /** Newest first, as the list of Ollama is. */
  list(): FakeModel[] {
    return [...this.#models.values()].sort((left, right) => right.modifiedAtMs - left.modifiedAtMs);
  }
}
