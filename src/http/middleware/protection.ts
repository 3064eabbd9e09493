/** The doorkeeper: target, Host and Origin, before a route is looked for; then whether there is room for the request. */
import type { NextFunction, Request, Response } from 'express';
import { DeciError } from '../../kernel/errors.ts';
import { type HostCheck, readTarget } from '../host-policy.ts';
import { corsHeaders, type OriginPolicy, preflightHeaders } from '../origin-policy.ts';
import type { RequestContext } from '../request-context.ts';
import type { RouteTable } from '../route-table.ts';

export interface ProtectionDeps {
  readonly hostAllowed: HostCheck;
  readonly origins: OriginPolicy;
  readonly routes: RouteTable;
  /** What our own requests to Ollama carry: one that comes back here would go round for ever. */
  readonly via: string;
  /** The first gate: before any of the body is read. @throws DeciError where the request is not taken now */
  readonly firstGate: (context: RequestContext) => void;
}

const viaHeader = 'x-deci-via';

/** What `OPTIONS *` asks for: what the server can do at all. */
const serverMethods = ['GET', 'HEAD', 'POST', 'DELETE'];

export function protection({ hostAllowed, origins, routes, via, firstGate }: ProtectionDeps) {
  return (req: Request, res: Response, next: NextFunction): void => {
    const { context } = req;
    refuseUnknownCoding(req);
    if (req.headers[viaHeader] === via) throw new DeciError('loop_detected');
    const { host, path, pathAndQuery } = readTarget(req);
    if (!hostAllowed(host)) throw new DeciError('host_not_allowed');
    const { origin } = req.headers;
    if (origin !== undefined && origin !== '') {
      const verdict = origins.judge(origin, host);
      if (verdict === 'refused') throw new DeciError('origin_not_allowed');
      if (verdict === 'allowed' && req.method === 'OPTIONS') {
        res.writeHead(204, [...context.headers, ...preflightHeaders(origin)]).end();
        return;
      }
      if (verdict === 'allowed') context.headers.push(...corsHeaders(origin));
    }
    if (req.method === 'OPTIONS') {
      const methods = path === '*' ? serverMethods : routes.methods(path);
      if (methods.length === 0) throw new DeciError('route_not_found');
      res.writeHead(204, [...context.headers, 'Allow', [...methods, 'OPTIONS'].join(', ')]).end();
      return;
    }
    const { route, params } = routes.match(req.method, path);
    context.route = route;
    context.pathAndQuery = pathAndQuery;
    context.handler = route.handler;
    context.params = params;
    firstGate(context);
    next();
  };
}

/** A body in a coding that nobody here undoes has no end that we could find. */
function refuseUnknownCoding(req: Request): void {
  const coding = req.headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') throw new DeciError('unknown_transfer_encoding');
}
