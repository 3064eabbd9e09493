/**
 * Anthropic's clients switch thinking on for every model, and Ollama's own `/v1/messages` then drops the wish where a
 * model cannot think. Its native chat refuses instead, so whoever sends the request has to ask again without thinking.
 */
import type { NativeChatRequest } from '../../gateway/native-request.ts';
import type { DeciError } from '../../kernel/errors.ts';

/** The request to send instead after `error`; undefined where the error has another cause. */
export function withoutRefusedThinking(request: NativeChatRequest, error: DeciError): NativeChatRequest | undefined {
  const wished = request.think !== undefined && request.think !== false;
  if (!wished || error.status !== 400 || !error.message.endsWith('does not support thinking')) {
    return undefined;
  }
  const { think: _dropped, ...rest } = request;
  return rest;
}
