/** Reads the body that the route expects, within the route's bound. */
import type { NextFunction, Request, Response } from 'express';
import { readBody } from '../read-body.ts';
import type { Route } from '../route-table.ts';

export interface BodyDeps {
  readonly jsonBytes: number;
  readonly inferenceBytes: number;
  readonly timeoutMs: number;
}

/** What a transcription may carry, as Ollama has it. */
const uploadBytes = 25 * 1024 * 1024;

export function body({ jsonBytes, inferenceBytes, timeoutMs }: BodyDeps) {
  const maxBytes: Record<Exclude<Route['body'], 'none' | 'stream'>, number> = {
    json: jsonBytes,
    inference: inferenceBytes,
    upload: uploadBytes,
  };
  return async (req: Request, _res: Response, next: NextFunction): Promise<void> => {
    const kind = req.context.route?.body ?? 'none';
    if (kind !== 'none' && kind !== 'stream') {
      req.context.invite();
      req.context.body = await readBody(req, { maxBytes: maxBytes[kind], timeoutMs }, req.context.signal);
    }
    next();
  };
}
