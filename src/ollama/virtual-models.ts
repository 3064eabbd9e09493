/**
 * The virtual models, as this worker knows them: kept in the store, so that they hold for all workers and over a restart, and
 * looked at often enough that every worker follows within a second. Owner: the composition root of a worker. When the store
 * cannot be asked, what was known last stays in force.
 */
import type { Resource } from '../kernel/lifecycle.ts';
import { Ticker } from '../kernel/ticker.ts';
import { modelKey } from './model-key.ts';
import type { VirtualModel } from './virtual-model.ts';
import { readVirtualRecord } from './virtual-record.ts';

export interface VirtualModelsOptions {
  readonly records: {
    /** Another text after every change. */
    version(): string;
    /** Records in JSON. */
    all(): readonly string[];
    /** Durable when it resolves. */
    put(record: { readonly key: string; readonly json: string; readonly by: string }): Promise<void>;
    /** Durable when it resolves. False when there is one already. */
    add(record: { readonly key: string; readonly json: string; readonly by: string }): Promise<boolean>;
    /** False when there was none. */
    remove(key: string): Promise<boolean>;
  };
  readonly random: () => number;
  readonly onFailure: (error: unknown) => void;
}

const lookEveryMs = 250;
const maxUnreadable = 1000;

export class VirtualModels implements Resource {
  readonly name = 'virtual-models';
  readonly #options: VirtualModelsOptions;
  readonly #ticker: Ticker;
  #models: ReadonlyMap<string, VirtualModel> = new Map();
  #version: string | undefined;
  #failed = false;
  /** Records that were told of. */
  readonly #unreadable = new Set<string>();

  constructor(options: VirtualModelsOptions) {
    this.#options = options;
    this.#ticker = new Ticker({
      name: this.name,
      intervalMs: lookEveryMs,
      tick: async () => {
        this.#look();
        return undefined;
      },
      random: options.random,
      onFailure: options.onFailure,
    });
  }

  async start(): Promise<void> {
    await this.#ticker.start();
  }

  async stop(): Promise<void> {
    await this.#ticker.stop();
  }

  /** By any spelling that Ollama takes to be the same name. */
  find(model: string): VirtualModel | undefined {
    return this.#models.size === 0 ? undefined : this.#models.get(modelKey(model));
  }

  list(): readonly VirtualModel[] {
    return [...this.#models.values()];
  }

  /** For who must see what another worker wrote a moment ago. */
  refresh(): void {
    this.#look();
  }

  async put(model: VirtualModel, by: string): Promise<void> {
    await this.#options.records.put({ key: modelKey(model.name), json: JSON.stringify(model), by });
    this.#look();
  }

  /** False when there is one already, which stays. */
  async add(model: VirtualModel, by: string): Promise<boolean> {
    const isAdded = await this.#options.records.add({ key: modelKey(model.name), json: JSON.stringify(model), by });
    this.#look();
    return isAdded;
  }

  async remove(model: string): Promise<boolean> {
    const wasThere = await this.#options.records.remove(modelKey(model));
    this.#look();
    return wasThere;
  }

  #look(): void {
    const { records, onFailure } = this.#options;
    try {
      const version = records.version();
      if (version !== this.#version) {
        this.#models = this.#read(records.all());
        this.#version = version;
      }
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) onFailure(error);
      this.#failed = true;
    }
  }

  /** One that cannot be read is left out, and does not keep the others from being there. */
  #read(records: readonly string[]): ReadonlyMap<string, VirtualModel> {
    const models = new Map<string, VirtualModel>();
    for (const json of records) {
      const model = readVirtualRecord(json);
      if (model !== undefined) models.set(modelKey(model.name), model);
      else if (!this.#unreadable.has(json)) this.#tell(json);
    }
    return models;
  }

  #tell(json: string): void {
    if (this.#unreadable.size >= maxUnreadable) this.#unreadable.clear();
    this.#unreadable.add(json);
    this.#options.onFailure(new Error(`this record is no virtual model: ${json.slice(0, 200)}`));
  }
}
