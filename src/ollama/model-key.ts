/** One name for what Ollama takes to be the same model. Bounded, since names that clients send are kept. */
const maxLength = 200;

/** A request asks for the same name several times in a row. */
let last = { model: '', key: ':latest' };

export function modelKey(model: string): string {
  if (model === last.model) return last.key;
  const name = model.slice(0, maxLength).toLowerCase();
  const key = name.lastIndexOf(':') > name.lastIndexOf('/') ? name : `${name}:latest`;
  last = { model, key };
  return key;
}
