/** Errors that become one JSON answer, with the texts that clients of Ollama match on. */

export class WireError extends Error {
  readonly status: number;
  readonly extra: Readonly<Record<string, string>>;

  constructor(status: number, message: string, extra: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'WireError';
    this.status = status;
    this.extra = extra;
  }
}

export const missingBody = () => new WireError(400, 'missing request body');
export const modelRequired = () => new WireError(400, 'model is required');
export const invalidModelName = () => new WireError(400, 'invalid model name');
export const modelNotFound = (name: string) => new WireError(404, `model '${name}' not found`);
export const modelNotPulled = (name: string) =>
  new WireError(404, `model ${JSON.stringify(name)} not found, try pulling it first`);
export const requestCanceled = () => new WireError(499, 'request canceled');
// The two blanks are Ollama's own; clients compare the whole sentence.
export const serverBusy = () => new WireError(503, 'server busy, please try again.  maximum pending requests exceeded');
export const notSignedIn = () =>
  new WireError(401, 'unauthorized', { signin_url: 'https://ollama.com/connect?name=fake-ollama&key=ZmFrZS1rZXk' });
