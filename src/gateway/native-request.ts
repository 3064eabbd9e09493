/** Ollama's native requests, as far as Deci writes them itself when it translates from another dialect. */
import type { ToolCall } from './generation.ts';

export interface NativeMessage {
  readonly role: string;
  readonly content: string;
  readonly thinking?: string;
  /** Base64 without a data: prefix. */
  readonly images?: readonly string[];
  readonly tool_calls?: readonly ToolCall[];
  readonly tool_name?: string;
  readonly tool_call_id?: string;
}

export interface NativeTool {
  readonly type: string;
  readonly function: {
    readonly name: string;
    readonly description?: string;
    readonly parameters?: Readonly<Record<string, unknown>>;
  };
}

export type Think = boolean | 'low' | 'medium' | 'high' | 'max';

interface NativeCommon {
  readonly model: string;
  readonly stream: true;
  /** `json`, or a JSON schema. */
  readonly format?: 'json' | Readonly<Record<string, unknown>>;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly keep_alive?: string | number;
  readonly think?: Think;
  readonly logprobs?: boolean;
  readonly top_logprobs?: number;
}

export interface NativeChatRequest extends NativeCommon {
  readonly messages: readonly NativeMessage[];
  readonly tools?: readonly NativeTool[];
}

export interface NativeGenerateRequest extends NativeCommon {
  readonly prompt: string;
  readonly suffix?: string;
  readonly system?: string;
}
