/** What one answer may grow to while it has to be held until its end. */
import { DeciError } from '../kernel/errors.ts';

const maxAnswerBytes = 64 * 1024 * 1024;

/** @throws DeciError `upstream_invalid`: a model server that never ends must not take the worker's memory with it */
export function assertAnswerSize(bytes: number): void {
  if (bytes <= maxAnswerBytes) return;
  throw new DeciError('upstream_invalid', { message: 'the model server sent an answer longer than 64 MB' });
}
