/** The chain that every request takes, in order. The routes themselves are in routes.ts. */
import express, { type NextFunction, type Request, type Response } from 'express';
import type { ErrorCode } from '../kernel/error-catalogue.ts';
import { DeciError, toDeciError } from '../kernel/errors.ts';
import { type AuthDeps, auth } from './middleware/auth.ts';
import { type BodyDeps, body } from './middleware/body.ts';
import { type ProtectionDeps, protection } from './middleware/protection.ts';
import { type RequestContextDeps, requestContext } from './middleware/request-context.ts';
import { discardBody } from './read-body.ts';
import { sendError } from './respond.ts';

export interface ExpressAppDeps extends RequestContextDeps, ProtectionDeps, AuthDeps {
  readonly body: BodyDeps;
}

export function createExpressApp(deps: ExpressAppDeps): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(requestContext(deps));
  app.use(protection(deps));
  app.use(auth(deps));
  app.use(body(deps.body));
  app.use(handle);
  // Express knows an error handler by its four parameters.
  app.use(async (thrown: unknown, req: Request, _res: Response, _next: NextFunction) => {
    try {
      await answerError(req, toDeciError(thrown), deps.body.timeoutMs);
    } catch {
      // Whatever is wrong with telling the error, Express's own page would tell a stack.
      req.context.res.destroy();
    }
  });
  return app;
}

async function handle(req: Request): Promise<void> {
  const { context } = req;
  if (context.handler === undefined) throw new DeciError('internal');
  await context.handler(context);
}

async function answerError(req: Request, thrown: DeciError, timeoutMs: number): Promise<void> {
  const { context } = req;
  const waiting = req.headers.expect !== undefined && !context.invited;
  const settled = req.complete || waiting || unreadOnPurpose.has(thrown.code);
  const error = settled ? thrown : await behindBody(req, thrown, timeoutMs);
  context.outcome = error.code;
  if (error.code === 'client_closed') {
    context.res.destroy();
    return;
  }
  // What was not read of a body would be taken for the next request of this connection.
  if (!req.complete || framingErrors.has(error.code)) {
    context.headers.push('Connection', 'close');
    // Where the framing itself is in doubt, whatever follows must not be looked at.
    context.lingers = !req.complete && !framingErrors.has(error.code);
  }
  sendError(context, error);
  if (context.lingers) await letGo(req);
}

/**
 * Closing while bytes are still on their way makes the kernel reset the connection, and many clients then never read the
 * answer that is already theirs. So its end waits until the client has stopped sending, or has had time to.
 */
async function letGo(req: Request): Promise<void> {
  await discardBody(req, { maxBytes: maxLingerBytes, timeoutMs: lingerMs }).catch(() => undefined);
  req.context.res.end();
}

/** Refusals that must not wait for more of the body. */
const unreadOnPurpose: ReadonlySet<ErrorCode> = new Set([
  'body_too_large',
  'request_timeout',
  'unknown_transfer_encoding',
  'client_closed',
  'draining',
  'memory_low',
  'load_shed',
]);
const framingErrors: ReadonlySet<ErrorCode> = new Set(['bad_host', 'bad_target', 'unknown_transfer_encoding']);
const maxDiscardedBytes = 1024 * 1024;
const maxLingerBytes = 1024 ** 3;
/** Of silence; of sending it is twenty times as much. */
const lingerMs = 500;

/**
 * A refusal waits for the end of the request: a body whose framing is broken is no request at all, and must be answered as
 * such by the parser instead of being taken for one that only went to the wrong place.
 */
async function behindBody(req: Request, error: DeciError, timeoutMs: number): Promise<DeciError> {
  try {
    await discardBody(req, { maxBytes: maxDiscardedBytes, timeoutMs });
    return error;
  } catch (thrown) {
    const failure = toDeciError(thrown);
    return failure.code === 'body_too_large' ? error : failure;
  }
}
