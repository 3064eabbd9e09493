/**
 * What Ollama and llama.cpp say of a model whose file is not what it was, or is not there any more. A pull replaces such a file;
 * whatever else keeps a model from loading (no memory, no driver, a runner that died) a pull does not help, and may lose the model.
 */
import type { DeciError } from '../kernel/errors.ts';

/** Each with a sentence as it is really said. */
export const damageWords: ReadonlyArray<{ readonly words: RegExp; readonly example: string }> = [
  {
    words: /model is corrupted or incomplete/i,
    example: 'llama_model_load: error loading model: model is corrupted or incomplete',
  },
  {
    words: /not within the file bounds/i,
    example:
      "llama runner process has terminated: error loading model: tensor 'blk.1' data is not within the file bounds",
  },
  { words: /invalid (?:file )?magic\b/i, example: 'invalid file magic' },
  { words: /failed to read magic/i, example: 'gguf_init_from_file: failed to read magic' },
  { words: /digest mismatch/i, example: 'digest mismatch, expected "sha256:1", got "sha256:2"' },
  {
    words: /sha256[-:][0-9a-f]{8,}.*(?:no such file|unexpected EOF)/is,
    example: 'open /root/.ollama/models/blobs/sha256-6a0746a1ec1a: no such file or directory',
  },
];

/** The cause by which the breaker of such a model opens. */
export const damagedModel = 'model_damaged';

export function isDamaged(message: string): boolean {
  return damageWords.some(({ words }) => words.test(message));
}

/** What a breaker keeps of a failure: its code, or that the model's file is damaged. */
export function causeOf({ code, message }: DeciError): string {
  const isSaid = code === 'upstream_refused' || code === 'upstream_failed';
  return isSaid && isDamaged(message) ? damagedModel : code;
}
