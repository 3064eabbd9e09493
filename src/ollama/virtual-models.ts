/**
 * The virtual models, as this worker knows them: kept in the store, so that they hold for all workers and over a restart. Owner:
 * the composition root of a worker.
 */
import type { Resource } from '../kernel/lifecycle.ts';
import { FollowedSetting } from './followed-setting.ts';
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

const maxUnreadable = 1000;

export class VirtualModels implements Resource {
  readonly name = 'virtual-models';
  readonly #options: VirtualModelsOptions;
  readonly #setting: FollowedSetting;
  #models: ReadonlyMap<string, VirtualModel> = new Map();
  #version: string | undefined;
  /** Records that were told of. */
  readonly #unreadable = new Set<string>();

  constructor(options: VirtualModelsOptions) {
    this.#options = options;
    const read = (): void => this.#look();
    this.#setting = new FollowedSetting({
      name: this.name,
      read,
      random: options.random,
      onFailure: options.onFailure,
    });
  }

  async start(): Promise<void> {
    await this.#setting.start();
  }

  async stop(): Promise<void> {
    await this.#setting.stop();
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
    this.#setting.look();
  }

  async put(model: VirtualModel, by: string): Promise<void> {
    await this.#options.records.put({ key: modelKey(model.name), json: JSON.stringify(model), by });
    this.#setting.look();
  }

  /** False when there is one already, which stays. */
  async add(model: VirtualModel, by: string): Promise<boolean> {
    const isAdded = await this.#options.records.add({ key: modelKey(model.name), json: JSON.stringify(model), by });
    this.#setting.look();
    return isAdded;
  }

  async remove(model: string): Promise<boolean> {
    const wasThere = await this.#options.records.remove(modelKey(model));
    this.#setting.look();
    return wasThere;
  }

  #look(): void {
    const { records } = this.#options;
    const version = records.version();
    if (version === this.#version) return;
    this.#models = this.#read(records.all());
    this.#version = version;
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
