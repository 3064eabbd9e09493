/**
 * `/v1/messages/count_tokens`, and the input tokens that a stream reports before the true count is known.
 *
 * Ollama has no endpoint that counts tokens, so this is an estimate: one token for every 4 bytes of text. That is
 * OpenAI's rule of thumb for English ("1 token ~= 4 chars in English", help.openai.com, "What are tokens and how to
 * count them?") and the rule Ollama itself uses for message_start; counting bytes and not characters brings scripts with
 * longer UTF-8 forms, which take more tokens, nearer to the truth. Each message adds 3 tokens for the marks a template
 * puts around it (OpenAI cookbook, "How to count tokens with tiktoken"), each image 576, the patches of LLaVA 1.5
 * (Liu et al., arXiv:2310.03744). Expect errors of some ten per cent, more for code and for other vision models.
 */
import type { NativeChatRequest, NativeMessage } from '../../gateway/native-request.ts';
import { parseAnthropicPrompt } from './anthropic-request.ts';

const bytesPerToken = 4;
const tokensPerMessage = 3;
const tokensPerImage = 576;

/** The answer to a body of `/v1/messages/count_tokens`. An estimate, see the head of this file. */
export function countAnthropicTokens(body: unknown): { readonly input_tokens: number } {
  return { input_tokens: estimateInputTokens(parseAnthropicPrompt(body)) };
}

export function estimateInputTokens(request: NativeChatRequest): number {
  let bytes = request.tools === undefined ? 0 : byteLength(JSON.stringify(request.tools));
  let images = 0;
  for (const message of request.messages) {
    bytes += messageBytes(message);
    images += message.images?.length ?? 0;
  }
  return Math.ceil(bytes / bytesPerToken) + request.messages.length * tokensPerMessage + images * tokensPerImage;
}

function messageBytes(message: NativeMessage): number {
  const calls = message.tool_calls === undefined ? '' : JSON.stringify(message.tool_calls);
  return byteLength(message.content) + byteLength(message.thinking ?? '') + byteLength(calls);
}

function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}
