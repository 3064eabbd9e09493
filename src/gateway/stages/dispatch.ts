/**
 * The last stage: sends the job to a host and gives back its stream. Before anything of an answer has begun, another host
 * may be tried: when one cannot be dialled (the pool does that), when one does not have the model, and once when a
 * connection broke.
 */
import { DeciError } from '../../kernel/errors.ts';
import { firstThatHas } from '../../ollama/first-that-has.ts';
import { nativeAnswer } from '../../ollama/native-answer.ts';
import type { Attempt } from '../../ollama/ollama-pool.ts';
import type { ExchangeLimits } from '../../ollama/upstream-exchange.ts';
import type { UpstreamHost, UpstreamRequest } from '../../ollama/upstream-host.ts';
import type { Generate } from '../generate.ts';

/** What this stage needs of the hosts. */
export interface Hosts {
  candidates(): UpstreamHost[];
  open(
    request: UpstreamRequest,
    limits: ExchangeLimits,
    signal: AbortSignal,
    candidates: readonly UpstreamHost[],
  ): Promise<Attempt>;
}

const headers = { 'content-type': 'application/json' } as const;

export function createDispatch(hosts: Hosts, limits: ExchangeLimits): Generate {
  return async (job, signal) => {
    const request = { method: 'POST', path: job.path, headers, body: job.body } as const;
    const attempt = await firstThatHas(hosts.candidates(), left =>
      withOneRetry(() => hosts.open(request, limits, signal, left)),
    );
    return nativeAnswer(attempt);
  };
}

/** A kept-alive connection may have been closed by the host in the moment we used it; nothing was generated then. */
async function withOneRetry<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof DeciError) || error.code !== 'upstream_broken') throw error;
    return await send();
  }
}
