/** Names of members as Go's JSON reader compares them, and whether one of an object's is there twice. Pure. */

/** Go takes names in any case for the same, and by Unicode's folding, in which a long s is an s and a Kelvin sign a k. */
export function foldedName(name: string): string {
  // The Kelvin sign's lower case is k already.
  const lower = name.toLowerCase();
  return lower.includes('\u017f') ? lower.replaceAll('\u017f', 's') : lower;
}

/** Members of a request that are no objects and change nothing of its answer, so that it does not matter how often they are there. */
export const lastHolds: ReadonlySet<string> = new Set(['model', 'stream', 'keep_alive']);

const quote = 34;
const backslash = 92;
const colon = 58;
const opens: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const closes: ReadonlySet<number> = new Set([0x5d, 0x7d]);
const spaces: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * Of two members of one name JavaScript keeps the last, while Go puts two objects together. Strings are jumped over, so that
 * this costs by the number of values and not by the length of what they say.
 * @param text of an object that was read without an error; what stands behind it is not looked at
 * @param except folded names that may be there twice
 */
export function repeatsMember(text: string, except: ReadonlySet<string>): boolean {
  const names = new Set<string>();
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = endOfString(text, at);
      if (depth === 1 && isName(text, end)) {
        const name = foldedName(unescaped(text.slice(at, end)));
        if (names.has(name) && !except.has(name)) return true;
        names.add(name);
      }
      at = end - 1;
    } else if (opens.has(code)) depth++;
    else if (closes.has(code) && --depth === 0) return false;
  }
  return false;
}

/** @returns where the string that opens here is over, its closing quote included */
function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return end + 1;
  }
  return text.length;
}

function isName(text: string, end: number): boolean {
  let at = end;
  while (spaces.has(text.charCodeAt(at))) at++;
  return text.charCodeAt(at) === colon;
}

function unescaped(quoted: string): string {
  return quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}
