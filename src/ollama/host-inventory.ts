/**
 * What one host has, and what of it is loaded: told by its lists when it is probed, and noted from our own traffic in between.
 * Owner: its host. Bounded. It is a view of the moment before: whoever acts on it must live with its being wrong.
 */
import { isObject } from '../kernel/json.ts';
import { modelKey } from './model-key.ts';

export interface InventoryModel {
  readonly name: string;
  readonly digest: string;
}

const maxModels = 10_000;

export class HostInventory {
  #models: ReadonlyMap<string, InventoryModel> | undefined;
  #loaded = new Set<string>();

  /** Undefined when it is not known. */
  has(key: string): boolean | undefined {
    return this.#models?.has(key);
  }

  /** Undefined when it does not have the model, or nobody knows. */
  digestOf(key: string): string | undefined {
    return this.#models?.get(key)?.digest;
  }

  isLoaded(key: string): boolean {
    return this.#loaded.has(key);
  }

  get models(): readonly InventoryModel[] {
    return [...(this.#models?.values() ?? [])];
  }

  /**
   * @param tags rows of the list of models
   * @param ps rows of the list of loaded ones; undefined when it could not be had
   * @returns whether something is not as it was
   */
  update(tags: unknown, ps: unknown): boolean {
    const models = new Map(rowsOf(tags).map(model => [modelKey(model.name), model]));
    const isChanged = !isSame(this.#models, models);
    this.#models = models;
    if (ps === undefined) return isChanged;
    const loaded = new Set(rowsOf(ps).map(({ name }) => modelKey(name)));
    const isMoved = loaded.symmetricDifference(this.#loaded).size > 0;
    this.#loaded = loaded;
    return isChanged || isMoved;
  }

  /** It answered with this model. */
  noteLoaded(model: string): void {
    if (this.#loaded.size < maxModels) this.#loaded.add(modelKey(model));
  }

  /** Its models are being changed. */
  forget(): void {
    this.#models = undefined;
  }
}

function rowsOf(rows: unknown): InventoryModel[] {
  if (!Array.isArray(rows)) return [];
  return rows.slice(0, maxModels).flatMap((row: unknown) => {
    if (!isObject(row) || typeof row['name'] !== 'string') return [];
    return [{ name: row['name'], digest: typeof row['digest'] === 'string' ? row['digest'] : '' }];
  });
}

function isSame(
  before: ReadonlyMap<string, InventoryModel> | undefined,
  now: ReadonlyMap<string, InventoryModel>,
): boolean {
  return before?.size === now.size && [...now].every(([key, { digest }]) => before.get(key)?.digest === digest);
}
