/** One loaded model: its slots, its users, and which requests it cannot serve without being loaded again. */
import { nameKey } from './model-name.ts';
import type { FakeModel } from './models.ts';
import type { FakeOptions } from './options.ts';
import type { RunnerSettings } from './runner-options.ts';
import { Slots } from './slots.ts';

export interface Runner {
  readonly key: string;
  readonly model: FakeModel;
  readonly settings: RunnerSettings;
  readonly slots: Slots;
  readonly contextLength: number;
  /** Takes requests and generates nothing. */
  isWedged: boolean;
  users: number;
  keepAliveMs: number;
  expiresAtMs: number;
  stopTimer: () => void;
}

const DEFAULT_CONTEXT = 4096;

export function createRunner(model: FakeModel, settings: RunnerSettings, options: FakeOptions): Runner {
  const isCompletion = model.capabilities.includes('completion');
  return {
    key: nameKey(model.name),
    model,
    settings,
    slots: new Slots(isCompletion ? options.numParallel : 1),
    contextLength: Math.min(settings.numCtx ?? DEFAULT_CONTEXT, model.contextLength),
    isWedged: false,
    users: 0,
    keepAliveMs: options.keepAliveMs,
    expiresAtMs: 0,
    stopTimer: () => {},
  };
}

/** Two requests that leave num_ctx to the server tolerate each other; every other difference reloads. */
export function needsReload(runner: Runner, wanted: RunnerSettings): boolean {
  if (runner.settings.key !== wanted.key) return true;
  if (runner.settings.numCtx === undefined && wanted.numCtx === undefined) return false;
  return Math.min(wanted.numCtx ?? DEFAULT_CONTEXT, runner.model.contextLength) !== runner.contextLength;
}
