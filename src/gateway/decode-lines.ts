/** Lines of Ollama's native stream -> generation events. */
import type { GenerationEvent } from './generation.ts';
import { parseNativeLine } from './native-line.ts';
import { plainText } from './plain-text.ts';

const none: readonly never[] = [];

/**
 * @param block whole lines, already checked by the scanner
 * @throws DeciError `upstream_invalid` when a line that looked whole is not JSON, or not what Ollama writes
 */
export function decodeLines(block: Buffer): GenerationEvent[] {
  const events: GenerationEvent[] = [];
  for (const line of block.toString('utf8').split('\n')) {
    if (line === '') continue;
    const plain = plainText(line);
    if (plain !== undefined) {
      if (plain !== '') events.push({ type: 'delta', text: plain, thinking: '', toolCalls: none, logprobs: none });
      continue;
    }
    const { text, thinking, toolCalls, logprobs, end } = parseNativeLine(line);
    if (text !== '' || thinking !== '' || toolCalls.length > 0 || logprobs.length > 0) {
      events.push({ type: 'delta', text, thinking, toolCalls, logprobs });
    }
    if (end !== undefined) events.push({ type: 'end', ...end });
  }
  return events;
}
