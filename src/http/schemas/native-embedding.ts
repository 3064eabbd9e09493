/** /api/embed, its predecessor /api/embeddings, and the web through the account of a host. */
import { z } from 'zod';
import { keepAlive, optional, options } from './fields.ts';
import { jsonAnswer, type Operations } from './operation.ts';

const embedRequest = z
  .looseObject({
    model: z.string().min(1),
    input: optional(z.union([z.string(), z.array(z.string())])),
    truncate: optional(z.boolean()).describe('True unless given.'),
    dimensions: optional(z.int()),
    keep_alive: optional(keepAlive),
    options: optional(options),
  })
  .meta({ id: 'EmbedRequest' });

const embedAnswer = z
  .looseObject({
    model: z.string(),
    embeddings: z.array(z.array(z.number())),
    total_duration: z.number().optional().describe('Nanoseconds.'),
    load_duration: z.number().optional().describe('Nanoseconds.'),
    prompt_eval_count: z.int().optional(),
  })
  .meta({ id: 'EmbedAnswer' });

const embeddingsRequest = z
  .looseObject({
    model: z.string().min(1),
    prompt: optional(z.string()),
    keep_alive: optional(keepAlive),
    options: optional(options),
  })
  .meta({ id: 'EmbeddingsRequest' });

const embeddingsAnswer = z.looseObject({ embedding: z.array(z.number()) }).meta({ id: 'EmbeddingsAnswer' });

const searchRequest = z
  .looseObject({ query: z.string().min(1), max_results: optional(z.int()) })
  .meta({ id: 'WebSearchRequest' });
const fetchRequest = z.looseObject({ url: z.string().min(1) }).meta({ id: 'WebFetchRequest' });
const found = z.looseObject({}).meta({ id: 'WebAnswer', description: 'As Ollama answers it.' });

const signedIn = 'Needs a host that is signed in to ollama.com; otherwise 401 with `signin_url`.';

export const nativeEmbedding: Operations = {
  'POST /api/embed': {
    summary: 'Embed texts, normalised',
    tags: ['Ollama: generation'],
    request: {
      schema: embedRequest,
      examples: {
        one: { model: 'nomic-embed-text', input: 'one text' },
        several: { model: 'nomic-embed-text', input: ['one text', 'another'] },
      },
    },
    responses: jsonAnswer('One vector a text, in order.', embedAnswer),
  },
  'POST /api/embeddings': {
    summary: 'Embed one text, not normalised',
    description: 'Kept for old clients; `/api/embed` is its successor.',
    tags: ['Ollama: generation'],
    request: { schema: embeddingsRequest, examples: { one: { model: 'nomic-embed-text', prompt: 'one text' } } },
    responses: jsonAnswer('One vector; empty without a prompt.', embeddingsAnswer),
  },
  'POST /api/experimental/web_search': {
    summary: "Search the web through the host's account",
    description: signedIn,
    tags: ['Ollama: account'],
    request: { schema: searchRequest, examples: { search: { query: 'what is ollama' } } },
    responses: jsonAnswer('What was found.', found),
  },
  'POST /api/experimental/web_fetch': {
    summary: "Fetch a page through the host's account",
    description: signedIn,
    tags: ['Ollama: account'],
    request: { schema: fetchRequest, examples: { page: { url: 'https://example.com' } } },
    responses: jsonAnswer('The page.', found),
  },
};
