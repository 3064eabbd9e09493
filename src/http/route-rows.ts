/** The rows of the route table with nothing behind them: for what is written about the routes, not for serving them. */
import type { RouteInfo } from './request-context.ts';
import type { Route } from './route-table.ts';
import { createRoutes, type RouteDeps } from './routes.ts';

export interface RouteRow extends RouteInfo {
  readonly method: Route['method'];
}

export function routeRows(): RouteRow[] {
  return createRoutes(inertDeps()).map(({ handler: _handler, ...row }) => row);
}

/** Stands for every service at once. Handlers are made of it and never called, so whatever they take, they may take. */
function inertDeps(): RouteDeps {
  const inert: object = new Proxy(() => undefined, { get: () => inert, apply: () => inert });
  return inert as RouteDeps;
}
