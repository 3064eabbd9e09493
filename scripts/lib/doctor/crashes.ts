/** Whether a process of ours has crashed lately, and where it is written down. */
import { join } from 'node:path';
import type { Config } from '../../../src/config/config.ts';
import { crashReportDir } from '../../../src/config/ecosystem.ts';
import { readReport, reportsIn } from '../../../src/crash/crash-folder.ts';
import type { CrashReport } from '../../../src/crash/crash-report.ts';
import { type Check, type Finding, ok, warn } from './finding.ts';

/** What is older has been looked at, or does not matter. */
const newsMs = 7 * 86_400_000;

export interface FoundCrash {
  readonly path: string;
  readonly changedAtMs: number;
  readonly report: Pick<CrashReport, 'kind' | 'source' | 'cause' | 'count' | 'time'>;
}

/** @param crashes the latest first */
export function judgeCrashes(crashes: readonly FoundCrash[], nowMs: number): Finding {
  const recent = crashes.filter(({ changedAtMs }) => nowMs - changedAtMs < newsMs);
  const [latest] = recent;
  if (latest === undefined) return ok(crashes.length === 0 ? 'none' : `none within a week, ${crashes.length} before`);
  const { report, path } = latest;
  const times = report.count === 1 ? 'once' : `${report.count} times`;
  const others = recent.length === 1 ? '' : `, and ${recent.length - 1} other faults`;
  const detail = `${report.source}: ${report.cause.name}: ${report.cause.message}, ${times}, last at ${report.time}${others}`;
  return warn(
    detail.replace(/\s+/g, ' ').slice(0, 300),
    `Read ${path}. If it repeats, go back to the release before, and report it.`,
  );
}

export function crashChecks(config: Config, nowMs: () => number): Check[] {
  const dir = crashReportDir(config);
  const look = (): Finding => {
    const found = reportsIn(dir).flatMap(({ file, changedAtMs }) => {
      const path = join(dir, file);
      const report = readReport(path);
      return report === undefined ? [] : [{ path, changedAtMs, report }];
    });
    return judgeCrashes(found, nowMs());
  };
  return [{ group: crashGroup, name: 'crashes', look }];
}

export const crashGroup = 'Crashes';
