/**
 * Starts long-lived resources in order and stops them in reverse. A failed start rolls back what had started; stopping is
 * idempotent, has one deadline for all, and tells every failure by the name of its resource.
 */
export interface Resource {
  readonly name: string;
  start(signal: AbortSignal): Promise<void>;
  stop(signal: AbortSignal): Promise<void>;
}

class LifecycleError extends AggregateError {
  constructor(action: 'start' | 'stop', failures: ReadonlyArray<{ name: string; error: unknown }>) {
    const what = failures.map(
      ({ name, error }) => `${name}: ${error instanceof Error ? error.message : String(error)}`,
    );
    super(
      failures.map(failure => failure.error),
      `could not ${action} ${what.join('; ')}`,
    );
    this.name = 'LifecycleError';
  }
}

export class Lifecycle {
  readonly #resources: readonly Resource[];
  readonly #started: Resource[] = [];
  #stopping: Promise<void> | undefined;

  constructor(resources: readonly Resource[]) {
    this.#resources = resources;
  }

  /** @throws LifecycleError naming the resource that failed; everything started before it is stopped again */
  async start(signal: AbortSignal): Promise<void> {
    for (const resource of this.#resources) {
      try {
        signal.throwIfAborted();
        await resource.start(signal);
      } catch (error) {
        await this.stop(signal).catch(() => undefined);
        throw new LifecycleError('start', [{ name: resource.name, error }]);
      }
      this.#started.push(resource);
    }
  }

  /** @throws LifecycleError when resources failed to stop; the others were stopped all the same */
  stop(signal: AbortSignal): Promise<void> {
    this.#stopping ??= this.#stopAll(signal);
    return this.#stopping;
  }

  async #stopAll(signal: AbortSignal): Promise<void> {
    const failures: Array<{ name: string; error: unknown }> = [];
    for (const resource of this.#started.splice(0).toReversed()) {
      try {
        await unlessAborted(resource.stop(signal), signal);
      } catch (error) {
        failures.push({ name: resource.name, error });
      }
    }
    if (failures.length > 0) throw new LifecycleError('stop', failures);
  }
}

/** The promise, or a rejection as soon as the signal fires. The listener does not outlive the wait. */
async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(new Error('not stopped within the deadline'));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
