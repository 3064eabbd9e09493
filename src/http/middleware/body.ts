/** Reads the body that the route expects, within the route's bound. */
import type { NextFunction, Request, Response } from 'express';
import { readBody } from '../read-body.ts';
import type { RequestContext } from '../request-context.ts';
import type { Route } from '../route-table.ts';

export interface BodyDeps {
  readonly jsonBytes: number;
  readonly inferenceBytes: number;
  readonly timeoutMs: number;
  /** Told while a body comes whose length nobody knows. */
  readonly onGrown: (context: RequestContext) => void;
}

/** What a transcription may carry, as Ollama has it. */
const uploadBytes = 25 * 1024 * 1024;

export function body({ jsonBytes, inferenceBytes, timeoutMs, onGrown }: BodyDeps) {
  const maxBytes: Record<Exclude<Route['body'], 'none' | 'stream'>, number> = {
    json: jsonBytes,
    inference: inferenceBytes,
    upload: uploadBytes,
  };
  return async (req: Request, _res: Response, next: NextFunction): Promise<void> => {
    const kind = req.context.route?.body ?? 'none';
    if (kind !== 'none' && kind !== 'stream') {
      const { context } = req;
      context.invite();
      const grown = (bytes: number): void => {
        context.announcedBytes = bytes;
        onGrown(context);
      };
      context.body = await readBody(req, { maxBytes: maxBytes[kind], timeoutMs, onGrown: grown }, context.signal);
    }
    next();
  };
}
