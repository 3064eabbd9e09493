/**
 * Where a model that is loaded nowhere is being loaded, for all workers of this machine: one host loads it, and whoever wants
 * it meanwhile waits for that host instead of making another one load it too. Owner: the pool of a worker.
 *
 * States of a model here: unknown -> claimed by one worker for one host -> loading, while requests for it are under way there
 * -> loaded, told to the others for `knownMs`, or given up when the load fails. A claim that is not used within `claimMs` is
 * free for another host. Invariants: one claim a model over all workers, as a lease that ends with its worker; what cannot be
 * shared is decided by each worker for itself. It may be wrong for `knownMs`, when a model is unloaded right after it was
 * loaded: then the request loads it where it was.
 */

interface LoadLease {
  readonly data: string | undefined;
}

export interface ColdLoadsOptions<L extends LoadLease> {
  /** May throw. */
  readonly leases: {
    take(request: {
      readonly kind: string;
      readonly key: string;
      readonly capacity: number;
      readonly ttlMs: number;
      readonly data: string;
    }): L | undefined;
    release(lease: L): boolean;
    list(of: { readonly kind: string; readonly key: string }): readonly L[];
  };
  /** The longest that a load may take. */
  readonly loadMs: number;
  /** Until the others have looked for themselves. */
  readonly knownMs: number;
  /** Monotonic. */
  readonly nowMs: () => number;
}

interface Claim<L> {
  readonly host: string;
  readonly lease: L | undefined;
  readonly atMs: number;
  users: number;
}

const loadKind = 'load';
const loadedKind = 'loaded';
/** Of a host: the models that requests wait for there, whoever sent them. */
const awaitedKind = 'awaited';
const claimMs = 2000;
const maxTold = 64;
/** Names that clients make up must not pile up here. */
const maxClaims = 1000;

export class ColdLoads<L extends LoadLease> {
  readonly #options: ColdLoadsOptions<L>;
  readonly #claims = new Map<string, Claim<L>>();

  constructor(options: ColdLoadsOptions<L>) {
    this.#options = options;
  }

  /** Hosts on which another worker has seen it loaded a moment ago. */
  loadedAt(key: string): ReadonlySet<string> {
    return new Set(this.#list(loadedKind, key));
  }

  /** The host that loads the model: the one that has been claimed for it, else the one that is wished now. */
  hostFor(key: string, wished: string): string {
    const own = this.#claims.get(key);
    if (own !== undefined && (own.users > 0 || this.#options.nowMs() - own.atMs < claimMs)) return own.host;
    if (own !== undefined) this.#giveUp(key, own);
    try {
      const { leases, loadMs } = this.#options;
      const lease = leases.take({ kind: loadKind, key, capacity: 1, ttlMs: loadMs, data: wished });
      if (lease === undefined) return this.#list(loadKind, key)[0] ?? wished;
      this.#claim(key, wished, lease);
    } catch {
      // Without the others each worker has one host load it.
      this.#claim(key, wished, undefined);
    }
    return wished;
  }

  /** A request for the model was sent to a host that has not loaded it. @returns to be called when that is decided */
  begun(key: string, host: string): (isLoaded: boolean) => void {
    const claim = this.#claims.get(key);
    const own = claim?.host === host ? claim : undefined;
    if (own !== undefined) own.users++;
    const awaited = this.#takeAwaited(key, host);
    return isLoaded => {
      if (isLoaded) this.#tell(key, host);
      this.#release(awaited);
      if (own === undefined) return;
      own.users--;
      if ((isLoaded || own.users === 0) && this.#claims.get(key) === own) this.#giveUp(key, own);
    };
  }

  /** Whether a request of any worker waits for the host to load it. */
  isLoading(key: string, host: string): boolean {
    return this.#list(awaitedKind, host).includes(key);
  }

  #takeAwaited(key: string, host: string): L | undefined {
    const { leases, loadMs } = this.#options;
    try {
      return leases.take({ kind: awaitedKind, key: host, capacity: maxTold, ttlMs: loadMs, data: key });
    } catch {
      return undefined;
    }
  }

  #claim(key: string, host: string, lease: L | undefined): void {
    const [oldest] = this.#claims;
    if (this.#claims.size >= maxClaims && oldest !== undefined) this.#giveUp(...oldest);
    this.#claims.set(key, { host, lease, atMs: this.#options.nowMs(), users: 0 });
  }

  #giveUp(key: string, { lease }: Claim<L>): void {
    this.#claims.delete(key);
    this.#release(lease);
  }

  #release(lease: L | undefined): void {
    if (lease === undefined) return;
    try {
      this.#options.leases.release(lease);
    } catch {
      // It ends by itself.
    }
  }

  #tell(key: string, host: string): void {
    if (this.#list(loadedKind, key).includes(host)) return;
    const { leases, knownMs } = this.#options;
    try {
      leases.take({ kind: loadedKind, key, capacity: maxTold, ttlMs: knownMs, data: host });
    } catch {
      // The others see it when they look.
    }
  }

  #list(kind: string, key: string): string[] {
    try {
      return this.#options.leases.list({ kind, key }).flatMap(({ data }) => (data === undefined ? [] : [data]));
    } catch {
      return [];
    }
  }
}
