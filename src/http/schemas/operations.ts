/** The schema entry of every route, by method and path as in the table; HEAD shares GET's. */
import { anthropic } from './anthropic.ts';
import { breakerRoutes } from './breakers.ts';
import { healthProbes } from './health.ts';
import { nativeEmbedding } from './native-embedding.ts';
import { nativeGeneration } from './native-generation.ts';
import { nativeManagement } from './native-management.ts';
import { nativeModels } from './native-models.ts';
import { openAiChat } from './openai-chat.ts';
import { openAiModels } from './openai-models.ts';
import { openAiResponses } from './openai-responses.ts';
import { openAiText } from './openai-text.ts';
import type { Operation, Operations } from './operation.ts';
import { ownRoutes } from './own.ts';
import { queueRoutes } from './queue.ts';
import { recycleRoutes } from './recycle.ts';
import { virtualModelRoutes } from './virtual-models.ts';

export const operations: Operations = {
  ...nativeModels,
  ...nativeGeneration,
  ...nativeEmbedding,
  ...nativeManagement,
  ...openAiChat,
  ...openAiText,
  ...openAiModels,
  ...openAiResponses,
  ...anthropic,
  ...healthProbes,
  ...ownRoutes,
  ...breakerRoutes,
  ...queueRoutes,
  ...recycleRoutes,
  ...virtualModelRoutes,
};

/** The key of the entry that holds for a method and a path of the table. */
export function operationKey(method: string, path: string): string {
  const key = `${method} ${path}`;
  return method === 'HEAD' && !(key in operations) ? `GET ${path}` : key;
}

export function operationOf(method: string, path: string): Operation | undefined {
  return operations[operationKey(method, path)];
}
