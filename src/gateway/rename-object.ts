/** Answers of a virtual model carry the name that was asked for. */
import { parseObject } from '../kernel/json.ts';

const head = '{"model":"';

/** An object in JSON with its `model` replaced: cut and joined where Ollama wrote it, which puts the name first. */
export function renameObject(text: string, name: string): string {
  if (text.startsWith(head)) {
    const end = text.indexOf('"', head.length);
    // A name with an escaped quote in it would be cut in its middle.
    if (text[end - 1] !== '\\') return `{"model":${JSON.stringify(name)}${text.slice(end + 1)}`;
  }
  const object = parseObject(text);
  return object === undefined || !('model' in object) ? text : JSON.stringify({ ...object, model: name });
}
