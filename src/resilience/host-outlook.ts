/**
 * What a worker expects of its hosts: whether an outage may soon be over, and whether they have too much to do. Owner: the
 * composition root of a worker; told by the probes of the pool and by every attempt.
 */
interface Outlook {
  /** Undefined while it was never within reach: nobody waits for a host that is not there. */
  heardAtMs: number | undefined;
  lostAtMs: number | undefined;
  /** Refusals in a row for having too much to do. */
  busy: number;
}

/** So many in a row are no accident. */
const busyStreak = 5;

export class HostOutlook {
  readonly #hosts: ReadonlyMap<string, Outlook>;
  readonly #nowMs: () => number;

  constructor(hosts: readonly string[], nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#hosts = new Map(hosts.map(host => [host, { heardAtMs: undefined, lostAtMs: undefined, busy: 0 }]));
  }

  /** It answered, whatever it said. */
  heard(host: string): void {
    const outlook = this.#hosts.get(host);
    if (outlook === undefined) return;
    outlook.heardAtMs = this.#nowMs();
    outlook.lostAtMs = undefined;
  }

  /** It cannot be dialled. */
  lost(host: string): void {
    const outlook = this.#hosts.get(host);
    if (outlook !== undefined) outlook.lostAtMs ??= this.#nowMs();
  }

  served(host: string): void {
    const outlook = this.#hosts.get(host);
    if (outlook !== undefined) outlook.busy = 0;
    this.heard(host);
  }

  busy(host: string): void {
    const outlook = this.#hosts.get(host);
    if (outlook !== undefined) outlook.busy++;
    this.heard(host);
  }

  /** Of the host that was lost last; 0 when one is within reach, undefined when none ever was. */
  outageMs(): number | undefined {
    let shortest: number | undefined;
    for (const { heardAtMs, lostAtMs } of this.#hosts.values()) {
      if (heardAtMs === undefined) continue;
      const outageMs = lostAtMs === undefined ? 0 : this.#nowMs() - lostAtMs;
      shortest = Math.min(shortest ?? outageMs, outageMs);
    }
    return shortest;
  }

  /** Most hosts refuse what they are sent. */
  overloaded(): boolean {
    let busy = 0;
    for (const outlook of this.#hosts.values()) if (outlook.busy >= busyStreak) busy++;
    return busy * 2 > this.#hosts.size;
  }
}
