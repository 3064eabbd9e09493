/** Runs every check, whatever the others find, each with its own deadline; the results come in the order of the checks. */
import { type Check, type Finding, fail, type Result } from './finding.ts';

const defaultLimitMs = 5000;

export async function runChecks(checks: readonly Check[], limitMs = defaultLimitMs): Promise<Result[]> {
  return Promise.all(
    checks.map(async check => {
      const { status, detail, fix } = await runOne(check, limitMs);
      const { group, name } = check;
      return { group, name, status, detail: oneLine(detail), ...(fix === undefined ? {} : { fix: oneLine(fix) }) };
    }),
  );
}

async function runOne({ look }: Check, limitMs: number): Promise<Finding> {
  const deadline = new AbortController();
  const { promise, resolve } = Promise.withResolvers<Finding>();
  const timer = setTimeout(() => {
    resolve(
      fail(`no result within ${limitMs / 1000} s`, 'Something hangs: look at disks, PM2 and the load of the machine.'),
    );
    deadline.abort();
  }, limitMs);
  try {
    return await Promise.race([promise, (async () => look(deadline.signal))()]);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return fail(words, 'Correct what the words name; when they name nothing, this check itself is at fault.');
  } finally {
    clearTimeout(timer);
    deadline.abort();
  }
}

/** Words of the system and of files: one line, and nothing that a terminal would obey. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
}
