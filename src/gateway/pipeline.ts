/** The way of an inference request, free of HTTP: the stages it passes, in order. */
import type { ExchangeLimits } from '../ollama/upstream-exchange.ts';
import type { Generate } from './generate.ts';
import { createDispatch, type Hosts } from './stages/dispatch.ts';

export type { Hosts };

export interface PipelineDeps {
  readonly hosts: Hosts;
  readonly limits: ExchangeLimits;
}

export function createPipeline({ hosts, limits }: PipelineDeps): Generate {
  return createDispatch(hosts, limits);
}
