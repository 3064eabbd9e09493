/** One name for what Ollama takes to be the same model. Bounded, since names that clients send are kept. */
const maxLength = 200;

export function modelKey(model: string): string {
  const name = model.slice(0, maxLength).toLowerCase();
  return name.lastIndexOf(':') > name.lastIndexOf('/') ? name : `${name}:latest`;
}
