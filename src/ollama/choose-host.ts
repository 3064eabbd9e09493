/** Which hosts may be asked, in which order. Pure: facts in, order out. */

export interface HostFacts {
  readonly isDown: boolean;
  /** It lets in and does not answer. */
  readonly isSilent: boolean;
  /** It is loading a model, and not the one that is wanted. */
  readonly isLoadingOther: boolean;
  readonly isDraining: boolean;
  readonly isFailing: boolean;
  /** Whether it has the model; undefined when that is not known. */
  readonly has: boolean | undefined;
  readonly isLoaded: boolean;
  /** Whether it has read the beginning of this prompt before. */
  readonly hasPrefix: boolean;
  readonly inFlight: number;
  readonly weight: number;
}

/**
 * For a request that uses a model: only those of the best kind that is left, so that nobody takes a slot of a host that cannot
 * be reached while he could wait for one that can. A host that is said not to have the model is asked last and not never:
 * what is known of it may be old.
 * @param hosts in the order of their turn, which decides between equals
 */
export function hostsFor<H extends HostFacts>(hosts: readonly H[]): H[] {
  const open = hosts.filter(host => !host.isDraining);
  const best = Math.min(...open.map(kindOf));
  return open.filter(host => kindOf(host) === best).toSorted(compare);
}

/** For a request that any host may answer: all of them. */
export function allHosts<H extends HostFacts>(hosts: readonly H[]): H[] {
  const rank = ({ isDown, isSilent, isDraining }: HostFacts): number =>
    Number(isSilent) * 4 + Number(isDown) * 2 + Number(isDraining);
  return hosts.toSorted((a, b) => rank(a) - rank(b) || a.inFlight - b.inFlight);
}

/** One that is down refuses at once; one that is silent lets its callers wait. */
function kindOf({ has, isDown, isSilent }: HostFacts): number {
  return Number(has === false) * 4 + Number(isSilent) * 2 + Number(isDown);
}

function compare(a: HostFacts, b: HostFacts): number {
  return (
    Number(a.isFailing) - Number(b.isFailing) ||
    Number(b.isLoaded) - Number(a.isLoaded) ||
    // It loads one at a time, and what is loaded already does not wait for that.
    Number(a.isLoadingOther && !a.isLoaded) - Number(b.isLoadingOther && !b.isLoaded) ||
    a.inFlight / a.weight - b.inFlight / b.weight ||
    Number(b.hasPrefix) - Number(a.hasPrefix) ||
    b.weight - a.weight
  );
}
