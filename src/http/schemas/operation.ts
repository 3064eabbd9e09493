/**
 * What a schema entry says of a route: what goes in, what comes out, with examples that a test runs. The errors of a route
 * follow from its row in the table and are added where the document is made.
 *
 * Nothing that a worker imports at its start may import this folder: zod costs a process some 20 MB.
 */
import type { z } from 'zod';

export interface Operation {
  readonly summary: string;
  /** Markdown. */
  readonly description?: string;
  readonly tags: readonly [string, ...string[]];
  readonly request?: RequestContent;
  readonly query?: z.ZodObject;
  /** By the names in the path. */
  readonly params?: Readonly<Record<string, Param>>;
  /** By status; what is missing here is an error that every route of its kind can answer. */
  readonly responses: Readonly<Record<number, Answer>>;
}

interface RequestContent {
  /** JSON unless given. */
  readonly contentType?: string;
  /** True unless given. */
  readonly required?: boolean;
  readonly schema: z.ZodType;
  /** By name. Every one of them is sent to a real server by a test. */
  readonly examples: Readonly<Record<string, unknown>>;
}

interface Param {
  readonly description: string;
  readonly example: string;
}

export interface Answer {
  readonly description: string;
  /** By media type; without any, the answer has no body. A stream has the schema of one of its lines or events. */
  readonly content: Readonly<Record<string, z.ZodType>>;
}

export type Operations = Readonly<Record<string, Operation>>;

export function jsonAnswer(description: string, schema: z.ZodType): { readonly 200: Answer } {
  return { 200: { description, content: { 'application/json': schema } } };
}

export function emptyAnswer(description: string): Answer {
  return { description, content: {} };
}
