/**
 * The client's tool choice, which Ollama ignores, made to hold: `none` takes the tools away, `required` and a named tool
 * constrain the answer to JSON of the tool's schema and turn the JSON text back into a tool call.
 */
import { assertAnswerSize } from '../../gateway/answer-limit.ts';
import type { DeltaEvent, EndEvent, GenerationEvent, ToolCall } from '../../gateway/generation.ts';
import type { NativeChatRequest, NativeTool } from '../../gateway/native-request.ts';
import { DeciError } from '../../kernel/errors.ts';
import { invalidField, isJsonObject, type JsonObject } from './request-fields.ts';

export type ToolChoice =
  | { readonly type: 'auto' }
  | { readonly type: 'none' }
  | { readonly type: 'required' }
  | { readonly type: 'named'; readonly name: string };

/** What the constrained text will be: the arguments of one tool, or `{name, arguments}` where there are several to choose from. */
export interface ForcedTools {
  readonly shape: 'arguments' | 'call';
  readonly names: readonly string[];
}

function refused(message: string): DeciError {
  return invalidField('tool_choice', message);
}

export function parseOpenAiToolChoice(value: unknown): ToolChoice {
  if (value === undefined || value === null || value === 'auto') {
    return { type: 'auto' };
  }
  if (value === 'none' || value === 'required') {
    return { type: value };
  }
  const named = isJsonObject(value) && value['type'] === 'function' ? value['function'] : undefined;
  if (isJsonObject(named) && typeof named['name'] === 'string' && named['name'] !== '') {
    return { type: 'named', name: named['name'] };
  }
  throw refused("tool_choice must be 'none', 'auto', 'required' or {type: 'function', function: {name}}");
}

/** A schema without a type would let the model answer with any JSON value, but arguments are always an object. */
function argumentsSchema(tool: NativeTool): JsonObject {
  return { type: 'object', ...tool.function.parameters };
}

/** References start at the root of a schema, so they must move with it when it becomes a part of another one. */
function rebaseReferences(node: unknown, root: string): unknown {
  if (Array.isArray(node)) {
    return node.map(item => rebaseReferences(item, root));
  }
  if (!isJsonObject(node)) {
    return node;
  }
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) =>
      key === '$ref' && typeof value === 'string' && value.startsWith('#')
        ? [key, root + value.slice(1)]
        : [key, rebaseReferences(value, root)],
    ),
  );
}

function callSchema(name: string, parameters: JsonObject): JsonObject {
  return {
    type: 'object',
    properties: { name: { const: name }, arguments: parameters },
    required: ['name', 'arguments'],
  };
}

/** Schemas with references go to the root's `$defs`: grammar builders follow pointers through objects, not through arrays. */
function anyCallSchema(tools: readonly NativeTool[]): JsonObject {
  const definitions: Record<string, unknown> = {};
  const anyOf = tools.map((tool, index) => {
    const schema = argumentsSchema(tool);
    if (!JSON.stringify(schema).includes('"$ref"')) {
      return callSchema(tool.function.name, schema);
    }
    const root = `#/$defs/tool${index}`;
    definitions[`tool${index}`] = rebaseReferences(schema, root);
    return callSchema(tool.function.name, { $ref: root });
  });
  return Object.keys(definitions).length === 0 ? { anyOf } : { anyOf, $defs: definitions };
}

interface ConstrainedRequest {
  readonly request: NativeChatRequest;
  readonly forced: ForcedTools | undefined;
}

/** The tools stay in the request when one is forced: the template must still tell the model what they are for. */
export function constrainTools(request: NativeChatRequest, choice: ToolChoice): ConstrainedRequest {
  if (choice.type === 'auto') {
    return { request, forced: undefined };
  }
  if (choice.type === 'none') {
    const { tools: _dropped, ...rest } = request;
    return { request: rest, forced: undefined };
  }
  const tools = request.tools ?? [];
  if (tools.length === 0) {
    throw refused('tool_choice needs tools, and the request has none');
  }
  const candidates = choice.type === 'named' ? tools.filter(tool => tool.function.name === choice.name) : tools;
  const [first] = candidates;
  if (first === undefined) {
    throw refused('tool_choice names a tool that is not among the tools of the request');
  }
  if (choice.type === 'named' || candidates.length === 1) {
    const names = [first.function.name];
    return { request: { ...request, format: argumentsSchema(first) }, forced: { shape: 'arguments', names } };
  }
  const names = candidates.map(tool => tool.function.name);
  return { request: { ...request, format: anyCallSchema(candidates) }, forced: { shape: 'call', names } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DeciError('upstream_invalid', {
      message: 'the model answered the forced tool call with text',
      cause: error,
    });
  }
}

function toolCallOf(forced: ForcedTools, text: string, callId: string): ToolCall {
  const value = parseJson(text);
  const call = forced.shape === 'call' ? value : { name: forced.names[0], arguments: value };
  const name = isJsonObject(call) ? call['name'] : undefined;
  const given = isJsonObject(call) ? call['arguments'] : undefined;
  if (typeof name !== 'string' || !forced.names.includes(name) || !isJsonObject(given)) {
    throw new DeciError('upstream_invalid', { message: 'the model answered the forced tool call with other JSON' });
  }
  return { id: callId, function: { index: 0, name, arguments: given } };
}

function deltaOf(part: Partial<DeltaEvent>): DeltaEvent {
  return { type: 'delta', text: '', thinking: '', toolCalls: [], logprobs: [], ...part };
}

/**
 * Turns the events of a constrained answer into those of an answer with a tool call: text is held back until the end.
 * Calls which the model made in its own way pass at once, and then the text does not matter. An answer that ran into
 * the token limit is told as it is (text, `length`): the limit is the client's, and asking again would not help.
 */
export class ForcedToolReader {
  readonly #forced: ForcedTools;
  readonly #callId: string;
  #text = '';
  #called = false;

  constructor(forced: ForcedTools, callId: string) {
    this.#forced = forced;
    this.#callId = callId;
  }

  read(events: readonly GenerationEvent[]): readonly GenerationEvent[] {
    return events.flatMap(event => (event.type === 'delta' ? this.#delta(event) : this.#end(event)));
  }

  #delta(event: DeltaEvent): readonly GenerationEvent[] {
    this.#text += event.text;
    assertAnswerSize(this.#text.length);
    const toolCalls = event.toolCalls.filter(call => this.#forced.names.includes(call.function.name));
    this.#called ||= toolCalls.length > 0;
    return event.thinking === '' && toolCalls.length === 0 ? [] : [deltaOf({ thinking: event.thinking, toolCalls })];
  }

  #end(event: EndEvent): readonly GenerationEvent[] {
    if (this.#called) {
      return [event];
    }
    if (event.reason === 'length') {
      return this.#text === '' ? [event] : [deltaOf({ text: this.#text }), event];
    }
    return [deltaOf({ toolCalls: [toolCallOf(this.#forced, this.#text, this.#callId)] }), event];
  }
}
