/** The results as people and programs read them, and the verdict. */
import { exitCodes } from '../exit-codes.ts';
import { paint } from '../output.ts';
import type { Finding, Result } from './finding.ts';

export interface Verdict {
  readonly verdict: Finding['status'];
  readonly ok: number;
  readonly warn: number;
  readonly fail: number;
  /** Groups that need a valid configuration, when there is none. */
  readonly not_checked: readonly string[];
}

const colours = { ok: 32, warn: 33, fail: 31 } as const;
const words = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;

export function verdictOf(results: readonly Result[], notChecked: readonly string[] = []): Verdict {
  const count = (status: Finding['status']): number => results.filter(result => result.status === status).length;
  const counts = { ok: count('ok'), warn: count('warn'), fail: count('fail') };
  const verdict = counts.fail > 0 ? 'fail' : counts.warn > 0 ? 'warn' : 'ok';
  return { verdict, ...counts, not_checked: notChecked };
}

export function exitCodeFor({ verdict }: Verdict, isConfigured: boolean): number {
  if (!isConfigured) return exitCodes.badConfiguration;
  return verdict === 'fail' ? exitCodes.preflight : exitCodes.done;
}

export function describe(results: readonly Result[], verdict: Verdict): string[] {
  const width = Math.max(...results.map(({ name }) => name.length));
  const lines: string[] = [];
  let group: string | undefined;
  for (const result of results) {
    if (result.group !== group) lines.push(...(group === undefined ? [] : ['']), result.group);
    ({ group } = result);
    lines.push(
      `  ${paint(words[result.status], colours[result.status])}  ${result.name.padEnd(width)}  ${result.detail}`,
    );
    if (result.fix !== undefined) lines.push(`  ${' '.repeat(6 + width)}  -> ${result.fix}`);
  }
  const { ok, warn, fail, not_checked: notChecked } = verdict;
  lines.push(
    '',
    `Verdict  ${paint(words[verdict.verdict].trim(), colours[verdict.verdict])}: ${ok} ok, ${warn} warn, ${fail} fail`,
  );
  if (notChecked.length > 0) lines.push(`Not checked without a valid configuration: ${notChecked.join(', ')}`);
  return [...lines, ...results.filter(({ status }) => status !== 'ok').flatMap(again)];
}

/** What is wrong stands above, among all that is well; below the verdict it is at hand. */
function again({ status, group, name, detail, fix }: Result): string[] {
  const line = `  ${paint(words[status], colours[status])}  ${group}, ${name}: ${detail}`;
  return fix === undefined ? [line] : [line, `        -> ${fix}`];
}
