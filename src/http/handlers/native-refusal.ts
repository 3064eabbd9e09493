/** What the npm client throws when Ollama itself refused: its status and its sentence. Everything else is no refusal. */
import { DeciError } from '../../kernel/errors.ts';

export function refusalOf(thrown: unknown): DeciError | undefined {
  if (!(thrown instanceof Error) || !('status_code' in thrown) || typeof thrown.status_code !== 'number') {
    return undefined;
  }
  const code = thrown.status_code === 404 ? 'model_not_found' : 'upstream_refused';
  return new DeciError(code, { message: thrown.message, status: thrown.status_code });
}
