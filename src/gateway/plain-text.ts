/**
 * The text of a chunk that carries nothing else, cut out of its line without parsing it. Nearly every line of an answer is
 * such a chunk, written by Ollama with the same members in the same order: model, created_at, the text, `done: false`. A
 * quote inside a JSON string is escaped, so pieces without quotes and backslashes are what they seem.
 */

const head = '{"model":"';
const created = '","created_at":"';
const bodies = [
  { opening: '","message":{"role":"assistant","content":"', closing: '"},"done":false}' },
  { opening: '","response":"', closing: '","done":false}' },
] as const;

/** @returns undefined for every line that has to be parsed */
export function plainText(line: string): string | undefined {
  if (!line.startsWith(head)) return undefined;
  const modelEnd = line.indexOf('"', head.length);
  if (!line.startsWith(created, modelEnd)) return undefined;
  const headEnd = line.indexOf('"', modelEnd + created.length);
  for (const { opening, closing } of bodies) {
    if (!line.startsWith(opening, headEnd) || !line.endsWith(closing)) continue;
    const text = line.slice(headEnd + opening.length, line.length - closing.length);
    return text.includes('"') || text.includes('\\') ? undefined : text;
  }
  return undefined;
}
