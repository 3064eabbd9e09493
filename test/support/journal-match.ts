/**
 * Matches faults that a test has injected to what the journal says was healed, one to one: each fault has a record of its own, and
 * each record a fault. Where several records would do, they are dealt out so that as few as possible are left over (augmenting paths,
 * Kuhn 1955).
 */

export interface InjectedFault {
  readonly healer: string;
  /** As the record names it; or what it must look like. */
  readonly target: string | RegExp;
  /** Where a healer writes several records about one fault, such as one that opens and one that closes. */
  readonly action?: string;
  /** When it was injected, and by when a record must have begun. */
  readonly from: Date;
  readonly to: Date;
}

export interface MatchedRecord {
  readonly id: string;
  /** RFC 3339. */
  readonly time: string;
  readonly healer: string;
  readonly action: string;
  readonly target: string;
  readonly result: string | null;
}

export interface JournalMatch<R extends MatchedRecord> {
  readonly matched: ReadonlyArray<{ readonly fault: InjectedFault; readonly record: R }>;
  /** Faults that nobody tells of. */
  readonly missing: readonly InjectedFault[];
  /** Records of what nobody has injected. */
  readonly extra: readonly R[];
}

export function matchJournal<R extends MatchedRecord>(
  faults: readonly InjectedFault[],
  records: readonly R[],
): JournalMatch<R> {
  const faultOf = new Map<R, InjectedFault>();
  for (const fault of faults) findRecord(fault, { records, faultOf, seen: new Set<R>() });
  const matched = [...faultOf].map(([record, fault]) => ({ fault, record }));
  const told = new Set(faultOf.values());
  return {
    matched,
    missing: faults.filter(fault => !told.has(fault)),
    extra: records.filter(record => !faultOf.has(record)),
  };
}

/** What is wrong, in words for an assertion; empty where all is well. */
export function complaintsOf({ missing, extra, matched }: JournalMatch<MatchedRecord>): string[] {
  return [
    ...missing.map(({ healer, target, action }) => `missing: ${healer} ${action ?? ''} ${String(target)}`),
    ...extra.map(
      ({ healer, target, action, time, result }) => `extra: ${time} ${healer} ${action} ${target}: ${result}`,
    ),
    ...matched
      .filter(({ record }) => record.result === null)
      .map(({ record: { healer, target, action } }) => `under way: ${healer} ${action} ${target}`),
  ];
}

interface Search<R> {
  readonly records: readonly R[];
  readonly faultOf: Map<R, InjectedFault>;
  /** Records that were tried for the fault that is being placed. */
  readonly seen: Set<R>;
}

/** @returns whether it has a record now, which another fault may have left for one of its others */
function findRecord<R extends MatchedRecord>(fault: InjectedFault, search: Search<R>): boolean {
  const { records, faultOf, seen } = search;
  for (const record of records) {
    if (seen.has(record) || !fits(fault, record)) continue;
    seen.add(record);
    const other = faultOf.get(record);
    if (other !== undefined && !findRecord(other, search)) continue;
    faultOf.set(record, fault);
    return true;
  }
  return false;
}

function fits({ healer, target, action, from, to }: InjectedFault, record: MatchedRecord): boolean {
  const atMs = Date.parse(record.time);
  const isTarget = typeof target === 'string' ? target === record.target : target.test(record.target);
  const isAction = action === undefined || action === record.action;
  return healer === record.healer && isTarget && isAction && atMs >= from.getTime() && atMs <= to.getTime();
}
