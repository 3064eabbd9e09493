/** How Ollama says that a model makes no text: those for embeddings are tried and loaded by another route than all others. */
import { DeciError } from '../kernel/errors.ts';

const words = /does not support generate/;

export function isNoGenerator(error: unknown): boolean {
  return error instanceof DeciError && error.code === 'upstream_refused' && words.test(error.message);
}
