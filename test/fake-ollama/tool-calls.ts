/** When the fake calls a tool, and with which arguments. */
import { isJsonObject } from './body-json.ts';
import { jsonFromSchema } from './json-from-schema.ts';
import { randomFrom, seedOf } from './seeded-random.ts';

export interface ToolCall {
  id: string;
  function: { index: number; name: string; arguments: unknown };
}

interface Tool {
  name: string;
  parameters: unknown;
}

const ID_LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

function toolsOf(values: readonly unknown[]): Tool[] {
  const tools: Tool[] = [];
  for (const value of values) {
    const declared = isJsonObject(value) ? value['function'] : undefined;
    if (isJsonObject(declared) && typeof declared['name'] === 'string') {
      tools.push({ name: declared['name'], parameters: declared['parameters'] });
    }
  }
  return tools;
}

function callId(seedText: string): string {
  const random = randomFrom(seedOf(seedText));
  const letters = Array.from({ length: 8 }, () => ID_LETTERS[Math.floor(random() * ID_LETTERS.length)]);
  return `call_${letters.join('')}`;
}

/** Every tool the text names; the first one when it only says "use a tool". */
export function toolCallsFor(tools: readonly unknown[], userText: string, seedText: string): ToolCall[] {
  const text = userText.toLowerCase();
  const known = toolsOf(tools);
  const named = known.filter(tool => text.includes(tool.name.toLowerCase()));
  const chosen = named.length === 0 && text.includes('use a tool') ? known.slice(0, 1) : named;
  return chosen.map((tool, index) => ({
    id: callId(`${index} ${tool.name} ${seedText}`),
    function: { index, name: tool.name, arguments: jsonFromSchema(tool.parameters, `${tool.name} ${seedText}`) },
  }));
}
