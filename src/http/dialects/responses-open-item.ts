/** The item that a stream of the Responses API is writing at the moment, and the constant heads of its delta events. */
import { type ItemStatus, messageItem, outputText, reasoningItem } from './responses-object.ts';

export interface OpenItem {
  readonly kind: 'message' | 'reasoning';
  readonly id: string;
  /** Everything of a delta event before its text, made once per item: a token costs one concatenation. */
  readonly deltaPrefix: string;
  text: string;
}

export function itemOf(open: OpenItem, status: ItemStatus): object {
  return open.kind === 'message'
    ? messageItem(open.id, status, [outputText(open.text)])
    : reasoningItem(open.id, open.text);
}

export function textDeltaPrefix(id: string, index: number): string {
  const type = 'response.output_text.delta';
  return `event: ${type}\ndata: {"type":"${type}","item_id":${JSON.stringify(id)},"output_index":${index},"content_index":0,"logprobs":[],"delta":`;
}

export function reasoningDeltaPrefix(id: string, index: number): string {
  const type = 'response.reasoning_summary_text.delta';
  return `event: ${type}\ndata: {"type":"${type}","item_id":${JSON.stringify(id)},"output_index":${index},"summary_index":0,"delta":`;
}
