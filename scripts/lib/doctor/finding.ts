/** What a check says. A check looks and changes nothing; what it looked at is judged apart, so that every verdict can be tested. */

export interface Finding {
  readonly status: 'ok' | 'warn' | 'fail';
  /** One line. */
  readonly detail: string;
  /** What to do, when not all is well. */
  readonly fix?: string;
}

export interface Check {
  readonly group: string;
  readonly name: string;
  /** What it throws is a `fail` with the words of the error. */
  readonly look: (signal: AbortSignal) => Finding | Promise<Finding>;
}

export interface Result extends Finding {
  readonly group: string;
  readonly name: string;
}

export function ok(detail: string): Finding {
  return { status: 'ok', detail };
}

export function warn(detail: string, fix: string): Finding {
  return { status: 'warn', detail, fix };
}

export function fail(detail: string, fix: string): Finding {
  return { status: 'fail', detail, fix };
}
