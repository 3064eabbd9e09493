/** The first step: gives the request an id and a context, and ties its signal to the client's presence. */
import type { NextFunction, Request, Response } from 'express';
import { DeciError } from '../../kernel/errors.ts';
import type { ActiveRequests } from '../active-requests.ts';
import { RequestContext } from '../request-context.ts';

declare global {
  namespace Express {
    interface Request {
      context: RequestContext;
    }
  }
}

const acceptableId = /^[\w.:-]{1,128}$/;

export interface RequestContextDeps {
  readonly newId: () => string;
  readonly active: ActiveRequests;
  /** Told when the answer to a request turns out to be a stream. */
  readonly onStream: (context: RequestContext) => void;
  /** Told once per request, when its connection or its answer is over. */
  readonly onEnd: (context: RequestContext) => void;
}

export function requestContext({ newId, active, onStream, onEnd }: RequestContextDeps) {
  return (req: Request, res: Response, next: NextFunction): void => {
    const given = req.headers['x-request-id'];
    const id = typeof given === 'string' && acceptableId.test(given) ? given : newId();
    const context = new RequestContext(id, req, res, onStream);
    context.address = req.socket.remoteAddress ?? '';
    req.context = context;
    active.add(context);
    res.on('close', () => {
      active.delete(context);
      if (!res.writableFinished) {
        if (context.outcome === 'complete') context.outcome = 'client_closed';
        context.abort(new DeciError('client_closed'));
      }
      onEnd(context);
    });
    next();
  };
}
