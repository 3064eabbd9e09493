/**
 * The route table as data, and the look-up in it: one Map for paths without parameters, a short list for the others.
 * 404, 405 and the route label of the log come from here.
 */
import { DeciError } from '../kernel/errors.ts';
import type { RequestContext, RouteInfo } from './request-context.ts';

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export type Handler = (context: RequestContext) => void | Promise<void>;

export interface Route extends RouteInfo {
  readonly method: Method;
  readonly handler: Handler;
}

export interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

interface Pattern {
  readonly regex: RegExp;
  readonly byMethod: Map<string, Route>;
}

const noParams = {};

export class RouteTable {
  readonly #literal = new Map<string, Map<string, Route>>();
  readonly #patterns: Pattern[] = [];

  constructor(routes: readonly Route[]) {
    for (const route of routes) this.#methodsOf(route.path).set(route.method, route);
  }

  /** @throws DeciError `route_not_found` or `method_not_allowed` */
  match(method: string, path: string): Match {
    const literal = this.#literal.get(path);
    if (literal !== undefined) return { route: pick(literal, method), params: noParams };
    for (const { regex, byMethod } of this.#patterns) {
      const groups = regex.exec(path)?.groups;
      if (groups !== undefined) return { route: pick(byMethod, method), params: decodeParams(groups) };
    }
    throw new DeciError('route_not_found');
  }

  /** The methods a path answers, for OPTIONS and `Allow`; empty when there is no such path. */
  methods(path: string): string[] {
    const byMethod = this.#literal.get(path) ?? this.#patterns.find(({ regex }) => regex.test(path))?.byMethod;
    return [...(byMethod?.keys() ?? [])];
  }

  #methodsOf(path: string): Map<string, Route> {
    const known = this.#literal.get(path);
    if (known !== undefined) return known;
    const byMethod = new Map<string, Route>();
    if (/[:*]/.test(path)) {
      const regex = patternOf(path);
      const same = this.#patterns.find(pattern => pattern.regex.source === regex.source);
      if (same !== undefined) return same.byMethod;
      this.#patterns.push({ regex, byMethod });
    } else {
      this.#literal.set(path, byMethod);
    }
    return byMethod;
  }
}

function patternOf(path: string): RegExp {
  const source = path
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/:(\w+)/g, '(?<$1>[^/]+)')
    .replace(/\*(\w+)/g, '(?<$1>.+)');
  return new RegExp(`^${source}$`);
}

function pick(byMethod: Map<string, Route>, method: string): Route {
  const route = byMethod.get(method);
  if (route === undefined) throw new DeciError('method_not_allowed', { allow: [...byMethod.keys()] });
  return route;
}

function decodeParams(groups: Readonly<Record<string, string>>): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch (cause) {
    throw new DeciError('bad_target', { cause });
  }
}
