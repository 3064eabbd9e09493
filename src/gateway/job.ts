/** What the gateway is asked to do: one request of Ollama's native API, already in native words. */

export type GenerationPath = '/api/chat' | '/api/generate';

export interface GenerationJob {
  readonly path: GenerationPath;
  readonly model: string;
  /** The native request, JSON text in UTF-8, always with `stream: true` in effect. */
  readonly body: Buffer | string;
  /** The client gets the answer whole: nothing of it is given out before its end is there. */
  readonly gathered?: boolean;
}
