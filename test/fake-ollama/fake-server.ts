/** What all handlers share: the parts of one fake server. */
import { Faults } from './faults.ts';
import { shortName } from './model-name.ts';
import { ModelStore } from './models.ts';
import type { FakeOptions } from './options.ts';
import { type ModelState, Recorder } from './recorder.ts';
import { Scheduler } from './scheduler.ts';
import { realTiming, type Timing } from './timing.ts';

export class FakeServer {
  readonly options: FakeOptions;
  readonly timing: Timing;
  readonly faults = new Faults();
  readonly recorder: Recorder;
  readonly scheduler: Scheduler;
  /** Digests of the blobs that were uploaded; their bytes are not kept. */
  readonly blobs = new Set<string>();
  isListening = false;
  models: ModelStore;
  readonly #startOptions: FakeOptions;

  constructor(options: FakeOptions, timing: Timing = realTiming) {
    this.options = { ...options };
    this.#startOptions = { ...options };
    this.timing = timing;
    this.models = new ModelStore(options.models);
    this.recorder = new Recorder(() => this.#scheduling());
    this.scheduler = new Scheduler(this.options, timing, () => this.recorder.changed());
  }

  reset(): void {
    const { port } = this.options;
    Object.assign(this.options, this.#startOptions, { port });
    this.faults.clear();
    this.blobs.clear();
    this.models = new ModelStore(this.options.models);
    this.scheduler.clear();
    this.recorder.reset();
  }

  #scheduling() {
    const models: Record<string, ModelState> = {};
    const loaded = this.scheduler.loaded();
    let waiting = 0;
    for (const model of this.models.list()) {
      models[shortName(model.name)] = {
        loaded: false,
        users: 0,
        waiting: 0,
        contextLength: 0,
        ...this.scheduler.counts(model),
      };
    }
    for (const runner of loaded) {
      waiting += runner.slots.waiting;
      models[shortName(runner.model.name)] = {
        ...this.scheduler.counts(runner.model),
        loaded: true,
        users: runner.users,
        waiting: runner.slots.waiting,
        contextLength: runner.contextLength,
      };
    }
    return { pendingLoads: this.scheduler.pending, waiting, models, listening: this.isListening };
  }
}
