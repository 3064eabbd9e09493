/** Routes of our own: closed objects, so that a misspelt member is refused and a new one is announced. */
import { z } from 'zod';
import { cacheRoutes, purgeQuery } from './cache.ts';
import { journalRecord } from './journal-record.ts';
import { jsonAnswer, type Operation, type Operations } from './operation.ts';
import { newVirtualModel, virtualModelChange } from './virtual-models.ts';

const journalPage = z
  .strictObject({ data: z.array(journalRecord), next_cursor: z.string().nullable(), has_more: z.boolean() })
  .meta({
    id: 'JournalPage',
    description:
      'Newest first; with `after`, oldest first. With `result` or `target`, a page may have fewer records than there are, or none: `has_more` says whether there may be others behind `next_cursor`.',
  });

const recordId = z.string().regex(/^[0-9A-HJKMNP-TV-Z]{26}$/, 'it is not the id of a record');

const journalQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(50).describe('How many records at most.'),
  cursor: recordId.optional().describe('The `next_cursor` of the page before.'),
  after: recordId.optional().describe('The id of a record: only what came later, oldest first.'),
  healer: z.string().min(1).max(64).optional().describe('Only the records of this healer.'),
  result: z
    .enum(['healed', 'no_effect', 'worse', 'suppressed', 'dry_run', 'pending'])
    .optional()
    .describe('Only the records with this result; `pending`: those under way.'),
  target: z
    .string()
    .min(1)
    .max(300)
    .optional()
    .describe('Only the records about this target: whole words of it, such as the name of a host.'),
  since: z.iso.datetime({ offset: true }).optional().describe('Only what began then or later; RFC 3339.'),
  until: z.iso.datetime({ offset: true }).optional().describe('Only what began then or before; RFC 3339.'),
});

const mode = z
  .enum(['on', 'dry_run', 'off'])
  .meta({ id: 'HealerMode', description: '`dry_run` decides and writes down, but does nothing.' });

const healer = z
  .strictObject({
    name: z.string(),
    repairs: z.string(),
    mode,
    budget: z.strictObject({ actions: z.int().min(0), window_s: z.number().min(0) }),
    used: z.int().min(0).describe('Actions in the present window.'),
    last: journalRecord.nullable(),
  })
  .meta({ id: 'Healer' });

const healers = z
  .strictObject({ data: z.array(healer), next_cursor: z.null(), has_more: z.literal(false) })
  .meta({ id: 'Healers' });

const healerChange = z.strictObject({ mode }).meta({ id: 'HealerChange' });

const hostModel = z
  .strictObject({
    name: z.string(),
    digest: z.string(),
    loaded: z.boolean(),
    hosts: z.array(z.string()).describe('All hosts that have a model of this name.'),
    differs: z.boolean().describe('Whether another host has something else under this name.'),
  })
  .meta({ id: 'HostModel' });

const host = z
  .strictObject({
    name: z.string(),
    state: z.enum(['unknown', 'ready', 'loading', 'busy', 'wedged', 'quarantined', 'down', 'draining']),
    reason: z.string().nullable().describe('Why it is down, wedged or quarantined.'),
    loading: z
      .array(z.string())
      .describe('Models that were asked for and have not answered since they are not loaded.'),
    version: z.string().nullable(),
    draining: z.boolean().describe('Whether it gets nothing new.'),
    weight: z.int().min(1),
    slots: z.strictObject({
      in_use: z.int().min(0).nullable().describe('By all workers; null when the shared state cannot be read.'),
      max: z.int().min(1),
    }),
    models: z.array(hostModel),
  })
  .meta({ id: 'Host', description: 'As the worker that answers sees it.' });

const hosts = z
  .strictObject({ data: z.array(host), next_cursor: z.null(), has_more: z.literal(false) })
  .meta({ id: 'Hosts' });

const hostParams = { name: { description: 'The name of a host, as in the list.', example: '127.0.0.1:11434' } };

/** What `validateBody` reads bodies by. */
export const ownBodies = {
  'PUT /api/admin/healers/:name': healerChange,
  'POST /api/admin/models': newVirtualModel,
  'PUT /api/admin/models/*name': virtualModelChange,
};

/** What `validateQuery` reads queries by. */
export const ownQueries = { 'GET /api/journal': journalQuery, 'DELETE /api/admin/cache': purgeQuery };

const metricsText = z
  .string()
  .meta({ id: 'MetricsText', description: "Prometheus' text format 0.0.4: the whole cluster's metrics." });

const metrics: Operation = {
  summary: "Tell the cluster's metrics",
  tags: ['Operations'],
  responses: { 200: { description: 'All metrics.', content: { 'text/plain; version=0.0.4': metricsText } } },
};

const openApi = z
  .looseObject({ openapi: z.string(), info: z.looseObject({ title: z.string(), version: z.string() }) })
  .meta({ id: 'OpenApi', description: 'A document by OpenAPI 3.1.' });

export const ownRoutes: Operations = {
  ...cacheRoutes,
  'GET /openapi.json': {
    summary: 'Describe every route, in this document',
    tags: ['Operations'],
    responses: jsonAnswer('The document.', openApi),
  },
  'GET /metrics': metrics,
  'GET /api/v2/metrics': metrics,
  'GET /api/journal': {
    summary: 'List what was repaired',
    tags: ['Healing'],
    query: journalQuery,
    responses: jsonAnswer('A page of records.', journalPage),
  },
  'GET /api/admin/healers': {
    summary: 'List the healers',
    tags: ['Healing'],
    responses: jsonAnswer('All healers.', healers),
  },
  'PUT /api/admin/healers/:name': {
    summary: 'Switch a healer',
    tags: ['Healing'],
    params: { name: { description: 'The name of a healer.', example: 'dead-leases' } },
    request: { schema: healerChange, examples: { on: { mode: 'on' } } },
    responses: jsonAnswer('The healer as it is now.', healer),
  },
  'GET /api/admin/hosts': {
    summary: 'List the Ollama hosts',
    tags: ['Hosts'],
    responses: jsonAnswer('All hosts.', hosts),
  },
  'POST /api/admin/hosts/:name/drain': {
    summary: 'Keep a host free of new requests',
    description: 'It finishes what it has. All workers follow within a second; it holds until it is taken back.',
    tags: ['Hosts'],
    params: hostParams,
    responses: jsonAnswer('The host as it is now.', host),
  },
  'POST /api/admin/hosts/:name/undrain': {
    summary: 'Let a host take requests again',
    tags: ['Hosts'],
    params: hostParams,
    responses: jsonAnswer('The host as it is now.', host),
  },
};
