/** The kinds of routes there are: who may call them, what body they take, which limits hold. */
import type { RouteInfo } from './request-context.ts';

export type RouteKind = Omit<RouteInfo, 'path'>;

type Dialect = RouteInfo['dialect'];
type Body = RouteInfo['body'];

/** Asked by machines all the time, by anybody, and never counted. */
export function probe(dialect: Dialect): RouteKind {
  return { dialect, role: 'public', body: 'none', rate: 'exempt', time: 'short' };
}

export function read(dialect: Dialect, body: Body = 'none'): RouteKind {
  return { dialect, role: 'viewer', body, rate: 'default', time: 'short' };
}

/** Asked by machines all the time, and tells more than a probe. */
export const look: RouteKind = { dialect: 'problem', role: 'viewer', body: 'none', rate: 'exempt', time: 'short' };

/** Uses a model. */
export function infer(dialect: Dialect, body: Body = 'inference'): RouteKind {
  return { dialect, role: 'executor', body, rate: 'execute', time: 'inference' };
}

/** Uses a model for what a program reads, which nobody waits for as for words. */
export function embed(dialect: Dialect): RouteKind {
  return { ...infer(dialect), usually: 'batch' };
}

/** Asks the web through the host's account. */
export const search: RouteKind = { dialect: 'ollama', role: 'executor', body: 'json', rate: 'execute', time: 'short' };

/** Changes what a host has, or its account. */
export function manage(body: Body): RouteKind {
  return { dialect: 'ollama', role: 'admin', body, rate: 'default', time: 'short' };
}

/** Changes how the service itself behaves. */
export const administer: RouteKind = {
  dialect: 'problem',
  role: 'admin',
  body: 'json',
  rate: 'default',
  time: 'short',
};

/** Makes or changes what everybody uses, and takes nothing away. */
export const edit: RouteKind = { ...administer, role: 'editor', rate: 'create' };

/** As `administer`, where the path says all. */
export const operate: RouteKind = { ...administer, body: 'none' };

/** Moves a model; may take hours while it moves. */
export function transferModel(body: Body): RouteKind {
  return { dialect: 'ollama', role: 'admin', body, rate: 'default', time: 'transfer', usually: 'batch' };
}
