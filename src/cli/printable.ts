/** Text of others on a terminal: what would move the cursor, change colours or turn the line around is shown instead of done. */

/** Controls of C0 and C1, marks of direction, breaks of lines and paragraphs. */
const harmful = /[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/gu;
const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One line of text, without the power to do anything. */
export function printable(text: string): string {
  return text.replace(harmful, char => named[char] ?? escaped(char));
}

/** JSON in one line; the same value to every reader, and no power over a terminal. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(harmful, escaped);
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
