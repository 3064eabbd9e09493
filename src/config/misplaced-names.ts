/** Names that look like a setting and would do nothing: somebody who sets one must not believe to be protected by it. */
import { settings } from './settings.ts';

/** Named in the plans of the service; each of them would restrict something. */
const notYet = new Set(['IP_ALLOW', 'TRUST_PROXY', 'TLS_CERT', 'TLS_KEY', 'TLS_REQUIRED', 'RATE_LIMIT']);
/** Above it two typing errors leave a name recognisable; below it, other words are as near. */
const shortName = 4;

/** @returns the names of settings that this version does not have yet */
export function settingsNotYet(env: Readonly<Record<string, string | undefined>>): string[] {
  // What is switched off in so many words is off already.
  return [...notYet].filter(name => !['', 'off'].includes(env[name]?.trim().toLowerCase() ?? ''));
}

/** @param names of the `.env` file; the exported environment holds names of every other program too */
export function misspelledNames(names: readonly string[]): string[] {
  return names.flatMap(name => {
    if (name in settings || notYet.has(name)) return [];
    const meant = nearestSetting(name.toUpperCase());
    return meant === undefined ? [] : [`${name}: no such setting; did you mean ${meant}?`];
  });
}

/** Lines that set nothing although they look as if they did; the content is not told, it may be a secret. */
export function linesWithoutName(text: string, path: string): string[] {
  const problems: string[] = [];
  let quote: string | undefined;
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    const value = quote === undefined ? /^\s*(?:export\s+)?[A-Za-z_][\w.-]*\s*=\s*(.*)$/.exec(line)?.[1] : line;
    const isEmpty = /^\s*(?:#.*)?$/.test(line);
    if (value === undefined && !isEmpty) problems.push(`.env: line ${index + 1} of ${path} is not NAME=value`);
    quote = openQuote(value ?? '', quote);
  }
  return problems;
}

/** The quote that a value leaves open: it goes on in the next line. */
function openQuote(value: string, before: string | undefined): string | undefined {
  if (before !== undefined) return value.includes(before) ? undefined : before;
  const quote = /^["'`]/.exec(value)?.[0];
  return quote === undefined || value.includes(quote, 1) ? undefined : quote;
}

function nearestSetting(name: string): string | undefined {
  let nearest: string | undefined;
  let least = (name.length > shortName ? 2 : 1) + 1;
  for (const candidate of Object.keys(settings)) {
    const distance = editDistance(name, candidate);
    if (distance < least) [nearest, least] = [candidate, distance];
  }
  return nearest;
}

/** How many letters were added, left out, replaced, or swapped with their neighbour. */
export function editDistance(left: string, right: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      current.push(
        Math.min(
          at(previous, column) + 1,
          at(current, column - 1) + 1,
          at(previous, column - 1) + (same ? 0 : 1),
          swapped ? at(before, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [before, previous] = [previous, current];
  }
  return at(previous, right.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
