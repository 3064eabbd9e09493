/**
 * The last stage: sends the job to a host and gives back its stream. Before anything of an answer has begun, another host
 * may be tried: when one cannot be dialled (the pool does that), when one does not have the model, and once when a
 * connection broke.
 */
import { DeciError } from '../../kernel/errors.ts';
import { assertNative, NativeAnswer } from '../../ollama/native-answer.ts';
import type { Attempt } from '../../ollama/ollama-pool.ts';
import { readRefusal } from '../../ollama/refusal.ts';
import type { ExchangeLimits } from '../../ollama/upstream-exchange.ts';
import type { UpstreamHost, UpstreamRequest } from '../../ollama/upstream-host.ts';
import type { Generate } from '../generate.ts';
import type { GenerationJob } from '../job.ts';

/** What this stage needs of the hosts. */
export interface Hosts {
  candidates(): UpstreamHost[];
  open(
    request: UpstreamRequest,
    limits: ExchangeLimits,
    signal: AbortSignal,
    candidates: UpstreamHost[],
  ): Promise<Attempt>;
}

const headers = { 'content-type': 'application/json' } as const;

export function createDispatch(hosts: Hosts, limits: ExchangeLimits): Generate {
  return async (job, signal) => {
    const request = { method: 'POST', path: job.path, headers, body: job.body } as const;
    let candidates = hosts.candidates();
    let refusal: DeciError | undefined;
    while (candidates.length > 0) {
      const { host, exchange } = await openWithOneRetry(hosts, request, limits, { signal, candidates });
      if (exchange.status < 300) return answer(host, exchange);
      refusal = await readRefusal(exchange);
      if (refusal.code !== 'model_not_found') throw refusal;
      candidates = candidates.slice(candidates.indexOf(host) + 1);
    }
    throw refusal ?? new DeciError('upstream_unreachable');
  };
}

function answer(host: UpstreamHost, exchange: Attempt['exchange']): NativeAnswer {
  try {
    assertNative(exchange);
  } catch (error) {
    exchange.abort(error as DeciError);
    throw error;
  }
  return new NativeAnswer(host.name, exchange);
}

/** A kept-alive connection may have been closed by the host in the moment we used it; nothing was generated then. */
async function openWithOneRetry(
  hosts: Hosts,
  request: UpstreamRequest & { readonly body: GenerationJob['body'] },
  limits: ExchangeLimits,
  { signal, candidates }: { signal: AbortSignal; candidates: UpstreamHost[] },
): Promise<Attempt> {
  try {
    return await hosts.open(request, limits, signal, candidates);
  } catch (error) {
    if (!(error instanceof DeciError) || error.code !== 'upstream_broken') throw error;
    return await hosts.open(request, limits, signal, candidates);
  }
}
