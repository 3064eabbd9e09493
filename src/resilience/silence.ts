/**
 * Whether a host that has work and says nothing is to be looked at, or made to generate something. Pure.
 *
 * That no piece of any answer comes has harmless causes: a model is being loaded, or a long prompt is being read, and a host that
 * works on one request at a time says nothing to the others meanwhile. Loading is told by the host, and has a limit of its own. How
 * long reading takes is what it took before, where that is known. Otherwise a slow machine is assumed, 50 tokens a second and four
 * bytes a token, but no more than leaves time to find a wedged host within 20 s of its last sign of life, the try included.
 */
export interface SilenceFacts {
  /** Requests for models that it works on for us. */
  readonly inFlight: number;
  /** How long it said nothing while it had some. */
  readonly quietMs: number;
  /** Of the longest request without a first token. */
  readonly unreadBytes: number;
  readonly isLoading: boolean;
  /** Until the first token of that request, by what was learnt of the host; undefined while too little is. */
  readonly expectedMs?: number | undefined;
}

/** A host that generates says something several times a second. */
const lookAfterMs = 3000;
const tryAfterMs = 6000;
const readingMsPerByte = 5;
const maxAssumedMs = 6000;
const maxExpectedMs = 60_000;

/**
 * Whether a machine would have read its longest prompt by now, however slow it is: whoever leaves it alone before that does no harm,
 * whoever loads its model anew or starts it again does.
 */
export function mustHaveRead({ quietMs, unreadBytes }: Pick<SilenceFacts, 'quietMs' | 'unreadBytes'>): boolean {
  return quietMs >= tryAfterMs + Math.min(maxExpectedMs, unreadBytes * readingMsPerByte);
}

export function judgeSilence(facts: SilenceFacts): 'fine' | 'look' | 'try' {
  const { inFlight, quietMs, unreadBytes, isLoading, expectedMs } = facts;
  if (inFlight === 0 || quietMs < lookAfterMs) return 'fine';
  if (isLoading) return 'look';
  const assumedMs = Math.min(maxAssumedMs, unreadBytes * readingMsPerByte);
  const readingMs = expectedMs === undefined ? assumedMs : Math.min(maxExpectedMs, expectedMs);
  return quietMs < tryAfterMs + readingMs ? 'look' : 'try';
}
