/** What each kind of probe may do with a host: the trials of breakers, the look at silent ones, the canary of idle ones. */
import type { AdaptiveLimits, OtherLoads } from '../gateway/adaptive-limits.ts';
import type { Admission, Place } from '../gateway/placing.ts';
import { withDeadline } from '../kernel/deadline.ts';
import { HostCare } from '../ollama/host-care.ts';
import { LoadingView } from '../ollama/loading-view.ts';
import { modelKey } from '../ollama/model-key.ts';
import { nativeAnswer } from '../ollama/native-answer.ts';
import { isNoGenerator } from '../ollama/no-generator.ts';
import type { OllamaPool } from '../ollama/ollama-pool.ts';
import { readRefusal } from '../ollama/refusal.ts';
import type { UpstreamHost } from '../ollama/upstream-host.ts';
import type { ProbedHost } from '../resilience/breaker-probe.ts';
import type { IdleHost } from '../resilience/idle-canary.ts';
import type { WatchedHost } from '../resilience/silence-watch.ts';

/** What the probes of hosts need of the admission: they are requests like any other, as far as slots go round. */
export interface ProbeAdmission extends Admission {
  tryEnter(host: string, model: string): Place | undefined;
}

/** What was learnt of hosts. */
export interface HostKnowledge {
  readonly adaptive: AdaptiveLimits;
  readonly loads: OtherLoads;
}

interface ProbeOptions {
  readonly pool: OllamaPool;
  readonly admission: ProbeAdmission;
  readonly host: UpstreamHost;
}

/** It waits like everybody; hosts that are well are wanted soon. */
const prober = { owner: 'deci', priority: 'interactive', tokens: 1 } as const;
const probeLimits = { firstMs: 15_000, stallMs: 5000, totalMs: 20_000 };
const viewMs = 1000;
const headers = { 'content-type': 'application/json' } as const;

export function probed({ pool, admission, host }: ProbeOptions): ProbedHost {
  return {
    name: host.name,
    look: async signal => void (await host.probe(signal)),
    loaded: async () => (await host.client.ps()).models.map(({ name }) => name),
    generate: async (model, signal) => {
      const entry = {
        model: modelKey(model),
        group: `trial of ${host.name}`,
        hosts: () => [host.name],
        caller: prober,
      };
      const place = await admission.enter(entry, signal);
      try {
        await tryOne({ pool, host, model }, signal);
      } finally {
        place.leave(signal.aborted ? 'aborted' : undefined);
      }
    },
  };
}

/** With another context than it has, the model would be loaded anew. */
async function contextOf(host: UpstreamHost, model: string): Promise<{ readonly num_ctx?: number }> {
  const num_ctx = await new HostCare(host).contextOf(model);
  return num_ctx === undefined ? {} : { num_ctx };
}

interface OneToken {
  readonly pool: OllamaPool;
  readonly host: UpstreamHost;
  readonly model: string;
}

async function generateOne({ pool, host, model }: OneToken, signal: AbortSignal): Promise<void> {
  const body = JSON.stringify({ model, prompt: '.', options: { num_predict: 1, ...(await contextOf(host, model)) } });
  const request = { method: 'POST', path: '/api/generate', headers, body, model } as const;
  const attempt = await pool.open(request, probeLimits, signal, [host]);
  if (attempt.exchange.status >= 300) throw await readRefusal(attempt.exchange);
  await Array.fromAsync(nativeAnswer(attempt));
}

/** A model that only embeds is tried by that. */
async function tryOne(of: OneToken, signal: AbortSignal): Promise<void> {
  try {
    await generateOne(of, signal);
  } catch (error) {
    if (!isNoGenerator(error)) throw error;
    await embedOne(of, signal);
  }
}

async function embedOne({ pool, host, model }: OneToken, signal: AbortSignal): Promise<void> {
  const body = JSON.stringify({ model, input: '.', options: await contextOf(host, model) });
  const request = { method: 'POST', path: '/api/embed', headers, body, model } as const;
  const { exchange } = await pool.open(request, probeLimits, signal, [host]);
  if (exchange.status >= 300) throw await readRefusal(exchange);
  exchange.discard();
}

function expectedMs(
  host: UpstreamHost,
  { unreadBytes, unreadModel: model }: ReturnType<UpstreamHost['generations']['work']>,
  adaptive: AdaptiveLimits,
): number | undefined {
  return model === undefined ? undefined : adaptive.expectedMs(host, { model, body: { length: unreadBytes } });
}

export function watched({ pool, admission, host }: ProbeOptions, { adaptive, loads }: HostKnowledge): WatchedHost {
  const view = new LoadingView({
    care: new HostCare(host),
    own: () => host.loading.keys(),
    awaited: () => host.generations.work().models,
    isLoading: key => loads.isLoading(key, host.name),
  });
  return {
    name: host.name,
    pulse: () => host.generations.pulse.count,
    work: () => {
      const work = host.generations.work();
      return { ...work, expectedMs: expectedMs(host, work, adaptive) };
    },
    isLoading: () => view.isLoading(),
    look: async () => {
      const isThere = await pool.look(host);
      if (isThere) await withDeadline(viewMs, signal => view.look(signal));
      return isThere;
    },
    hasLoaded: model => host.inventory.isLoaded(model) || view.isSettled(model),
    // It is for when all slots are taken by what says nothing: where one is free, it counts like everybody.
    generate: async (model, signal) => {
      const place = admission.tryEnter(host.name, modelKey(model));
      try {
        await generateOne({ pool, host, model }, signal);
      } finally {
        place?.leave(signal.aborted ? 'aborted' : undefined);
      }
    },
  };
}

export function idle({ admission, host }: ProbeOptions): IdleHost {
  const care = new HostCare(host);
  return {
    name: host.name,
    pulse: () => host.generations.pulse.count,
    inFlight: () => host.generations.work().inFlight,
    loaded: signal => care.loadedModels(signal),
    takeSlot: model => {
      const place = admission.tryEnter(host.name, modelKey(model));
      return place === undefined ? undefined : how => place.leave(how);
    },
    generate: ({ model, ...stays }, signal) => care.generateOne(model, signal, stays),
    keep: ({ model, ...stays }, signal) => care.load(model, signal, stays),
  };
}
