/**
 * Which failures of an attempt are worth another one, where, and whom they speak against. A table, so that nothing is decided
 * in passing: whoever adds a class has to say all of it.
 */
import type { DeciError } from '../kernel/errors.ts';
import type { FailureKind } from '../kernel/failure-kinds.ts';
import { isOwnShortage } from '../kernel/own-shortage.ts';

/** Whose breaker counts a failure: the host as a whole, one model on it, or nobody's. */
type Blame = 'host' | 'model' | 'both' | 'nobody';

export interface FailureRule {
  /** Of the table that every loop goes by. Its strategy decides whether to try again, but for `shortage`. */
  readonly kind: FailureKind;
  readonly retry: boolean;
  /** Whether the same host may be asked again where there is no other. */
  readonly sameHost: boolean;
  /** The first retry needs no pause, not even on the same host. */
  readonly atOnce: boolean;
  /** Attempts in total, as far as the settings allow them. */
  readonly attempts: number;
  /** Whether a retry costs the host something: nothing reached one that could not be dialled. */
  readonly budgeted: boolean;
  readonly blame: Blame;
}

const no = {
  kind: 'request',
  retry: false,
  sameHost: false,
  atOnce: false,
  attempts: 1,
  budgeted: true,
  blame: 'nobody',
} as const;
const yes = {
  kind: 'upstream',
  retry: true,
  sameHost: true,
  atOnce: false,
  attempts: 10,
  budgeted: true,
  blame: 'host',
} as const;

const rules = {
  /** Nothing was sent: waiting for the host costs nobody anything. */
  unreachable: { ...yes, kind: 'connection', budgeted: false },
  /** We have no file, port or memory left to connect with: that is nothing of the host, and over in a moment where requests end. */
  shortage: { ...yes, kind: 'resource', blame: 'nobody' },
  /** Every host is being left alone by its breaker. */
  resting: { ...yes, kind: 'overload', budgeted: false, blame: 'nobody' },
  /** A kept-alive connection may have been closed in the moment it was used. */
  broken: { ...yes, kind: 'connection', atOnce: true },
  /** 503 and 429 of the host: it is well, and has too much to do. */
  busy: { ...yes, kind: 'overload', blame: 'nobody' },
  invalid: { ...yes, attempts: 2 },
  truncated: { ...yes, blame: 'model' },
  failed: { ...yes, blame: 'model' },
  /** 5xx in the host's words: a model that does not load, a runner that died. */
  server_error: { ...yes, blame: 'model' },
  /** A host that has been silent for so long would be so again. */
  first_token_timeout: { ...yes, kind: 'timeout', sameHost: false, attempts: 2, blame: 'both' },
  stall_timeout: { ...yes, kind: 'timeout', sameHost: false, attempts: 2, blame: 'both' },
  /** The client's own time is over. */
  total_timeout: { ...no, kind: 'cancelled' },
  model_missing: no,
  client_error: no,
  client_gone: { ...no, kind: 'cancelled' },
  /** Whatever we refuse ourselves. */
  ours: no,
} as const satisfies Record<string, FailureRule>;

export type FailureClass = keyof typeof rules;

export const failureRules: Readonly<Record<FailureClass, FailureRule>> = rules;

const classes: Readonly<Partial<Record<DeciError['code'], FailureClass>>> = {
  upstream_unreachable: 'unreachable',
  upstream_resting: 'resting',
  upstream_broken: 'broken',
  upstream_invalid: 'invalid',
  upstream_truncated: 'truncated',
  upstream_failed: 'failed',
  first_token_timeout: 'first_token_timeout',
  stall_timeout: 'stall_timeout',
  total_timeout: 'total_timeout',
  model_not_found: 'model_missing',
  client_closed: 'client_gone',
};

/**
 * What Ollama says with 400 when the runner behind an embedding died: it calls every failure there a bad request. Its true
 * bad requests have other words.
 */
const crashWords =
  /do embedding request|llama ?runner|llama-server|\bEOF\b|connection (?:refused|reset)|broken pipe|i\/o timeout|exit status|signal: |out of memory|CUDA error|error loading model/i;

/** @param embeds whether the request asked for embeddings */
export function classifyFailure(error: DeciError, embeds: boolean): FailureClass {
  if (error.code === 'upstream_refused') return classifyRefusal(error, embeds);
  const failure = classes[error.code] ?? 'ours';
  return (failure === 'unreachable' || failure === 'broken') && isOwnShortage(error.cause) ? 'shortage' : failure;
}

function classifyRefusal({ status, message }: DeciError, embeds: boolean): FailureClass {
  if (status === 503 || status === 429) return 'busy';
  if (status >= 500) return 'server_error';
  return embeds && status === 400 && crashWords.test(message) ? 'server_error' : 'client_error';
}
