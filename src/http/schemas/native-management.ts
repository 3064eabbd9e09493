/** What changes a host, or its account: pull, push, create, copy, delete, blobs, sign-in. */
import { z } from 'zod';
import { ollamaError } from './errors.ts';
import { jsonObject, optional } from './fields.ts';
import { type Answer, emptyAnswer, jsonAnswer, type Operations } from './operation.ts';

const named = {
  model: optional(z.string()),
  name: optional(z.string()).describe('The old name of `model`.'),
};
const streamed = { stream: optional(z.boolean()).describe('True unless given.') };

const transferRequest = z
  .looseObject({ ...named, ...streamed, insecure: optional(z.boolean()) })
  .meta({ id: 'TransferRequest' });

const createRequest = z
  .looseObject({
    ...named,
    ...streamed,
    from: optional(z.string()).describe('The model to make it from.'),
    files: optional(z.record(z.string(), z.string())).describe('Digests of blobs by file name.'),
    adapters: optional(z.record(z.string(), z.string())).describe('Digests of blobs by file name.'),
    template: optional(z.string()),
    license: optional(z.union([z.string(), z.array(z.string())])),
    system: optional(z.string()),
    parameters: optional(jsonObject),
    messages: optional(z.array(jsonObject)),
    quantize: optional(z.string()),
  })
  .meta({ id: 'CreateRequest' });

const copyRequest = z
  .looseObject({ source: z.string().min(1), destination: z.string().min(1) })
  .meta({ id: 'CopyRequest' });
const deleteRequest = z.looseObject(named).meta({ id: 'DeleteRequest' });

const progress = z
  .looseObject({
    status: z.string(),
    digest: z.string().optional(),
    total: z.number().optional().describe('Bytes.'),
    completed: z.number().optional().describe('Bytes.'),
  })
  .meta({ id: 'Progress' });
const progressLine = z.union([progress, ollamaError]).meta({ id: 'ProgressLine' });

const progressing: { readonly 200: Answer } = {
  200: {
    description:
      'By default a stream, one object a line; the last has `status: success`, or is an `error`. ' +
      'With `stream: false` the last object alone.',
    content: { 'application/x-ndjson': progressLine, 'application/json': progress },
  },
};

const account = z.looseObject({}).nullable().meta({ id: 'AccountAnswer', description: 'As Ollama answers it.' });
const noFields = z.looseObject({}).meta({ id: 'NoFields' });
const blob = z.string().meta({ id: 'Blob', description: 'The bytes of the file; any number of them.' });
const digest = {
  digest: {
    description: 'SHA-256 of the bytes, as `sha256:` and 64 hexadecimal digits.',
    example: 'sha256:b83633aa785344791618f2fddf131b010ea04912a60430760b070bad293f65bd',
  },
};

const tags: readonly [string] = ['Ollama: management'];
const accountTags: readonly [string] = ['Ollama: account'];
const signedIn = 'Answers 401 with `signin_url` where the host is not signed in.';

export const nativeManagement: Operations = {
  'POST /api/pull': {
    summary: 'Pull a model',
    tags,
    request: {
      schema: transferRequest,
      examples: { stream: { model: 'qwen3' }, whole: { model: 'qwen3', stream: false } },
    },
    responses: progressing,
  },
  'POST /api/push': {
    summary: 'Push a model',
    tags,
    request: { schema: transferRequest, examples: { stream: { model: 'llama3.2' } } },
    responses: progressing,
  },
  'POST /api/create': {
    summary: 'Create a model',
    tags,
    request: {
      schema: createRequest,
      examples: { from: { model: 'mario', from: 'llama3.2', system: 'You are Mario from Super Mario Bros.' } },
    },
    responses: progressing,
  },
  'POST /api/blobs/:digest': {
    summary: 'Upload a file for `/api/create`',
    tags,
    params: digest,
    request: { contentType: 'application/octet-stream', schema: blob, examples: { file: 'GGUF' } },
    responses: { 200: emptyAnswer('It was there already.'), 201: emptyAnswer('It is there now.') },
  },
  'HEAD /api/blobs/:digest': {
    summary: 'Ask whether a file is there',
    tags,
    params: digest,
    responses: { 200: emptyAnswer('It is there.'), 404: emptyAnswer('It is not there.') },
  },
  'POST /api/copy': {
    summary: 'Copy a model',
    tags,
    request: { schema: copyRequest, examples: { copy: { source: 'llama3.2', destination: 'llama3-backup' } } },
    responses: { 200: emptyAnswer('It is copied.') },
  },
  'DELETE /api/delete': {
    summary: 'Delete a model',
    tags,
    request: { schema: deleteRequest, examples: { delete: { model: 'llama3-backup' } } },
    responses: { 200: emptyAnswer('It is deleted.') },
  },
  'POST /api/me': {
    summary: 'Tell who the host is signed in as',
    description: signedIn,
    tags: accountTags,
    request: { required: false, schema: noFields, examples: { empty: {} } },
    responses: jsonAnswer('The account.', account),
  },
  'POST /api/signout': {
    summary: 'Sign the host out',
    description: signedIn,
    tags: accountTags,
    request: { required: false, schema: noFields, examples: { empty: {} } },
    responses: jsonAnswer('It is signed out.', account),
  },
  'DELETE /api/user/keys/:encodedKey': {
    summary: 'Remove a public key from the account',
    description: `Kept for old clients. ${signedIn}`,
    tags: accountTags,
    params: { encodedKey: { description: 'The public key in base64.', example: 'c3NoLWVkMjU1MTk' } },
    responses: jsonAnswer('It is removed.', account),
  },
};
