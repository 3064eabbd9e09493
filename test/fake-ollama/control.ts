/** The control plane: faults, options, records and the listening socket, for tests in the same process and over HTTP. */
import type { FakeServer } from './fake-server.ts';
import type { Fault, FaultName } from './faults.ts';
import { parseFault } from './faults.ts';
import { readName } from './find-model.ts';
import type { Listener } from './listener.ts';
import { type Capability, describeModel } from './models.ts';
import { applyOptions, type FakeOptions } from './options.ts';
import type { FakeState, Predicate } from './recorder.ts';

export interface FakeControl {
  /** Adds a fault; `ok` clears those of the same path and model instead. `refuse` acts at once. */
  fault(fault: Fault | FaultName): Promise<void>;
  clearFaults(): Promise<void>;
  faults(): Fault[];
  state(): FakeState;
  /** Resolves on the event that makes the state satisfy the predicate; rejects when the signal aborts. */
  waitFor(predicate: Predicate, signal?: AbortSignal): Promise<FakeState>;
  setOptions(changes: Partial<FakeOptions>): void;
  addModel(name: string, capabilities?: readonly Capability[]): void;
  removeModel(name: string): void;
  /** Its loaded runner hangs in every generation until it is unloaded. */
  wedge(model: string): void;
  /** Nothing listens until `accept`, `reset` or the given time; `cut` also breaks the open connections. */
  refuse(options?: { forMs?: number; cut?: boolean }): Promise<void>;
  accept(): Promise<void>;
  cutConnections(): void;
  /** Back to the start: options, models, faults and records; loaded models are forgotten. */
  reset(): Promise<void>;
}

export function createControl(server: FakeServer, listener: Listener): FakeControl {
  return {
    fault: async given => {
      const fault = parseFault(typeof given === 'string' ? { fault: given } : given);
      if (fault.fault === 'ok') server.faults.clear(fault.path, fault.model);
      else if (fault.fault === 'refuse') await listener.refuse(fault);
      else server.faults.add(fault);
    },
    clearFaults: async () => {
      server.faults.clear();
      await listener.accept();
    },
    faults: () => server.faults.list(),
    state: () => server.recorder.state(),
    waitFor: (predicate, signal) => server.recorder.waitFor(predicate, signal),
    setOptions: changes => applyOptions(server.options, changes),
    addModel: (name, capabilities) => server.models.put(describeModel(name, capabilities)),
    removeModel: name => {
      server.models.remove(readName(name));
    },
    wedge: name => {
      const model = server.models.find(readName(name));
      if (model) server.scheduler.wedge(model);
    },
    refuse: options => listener.refuse(options ?? {}),
    accept: () => listener.accept(),
    cutConnections: () => listener.cutConnections(),
    reset: async () => {
      server.reset();
      await listener.accept();
    },
  };
}
