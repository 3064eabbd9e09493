/**
 * Whether a host that has work and says nothing is to be looked at, or made to generate something. Pure.
 *
 * That no piece of any answer comes has harmless causes: a model is being loaded, or a long prompt is being read, and a host that
 * works on one request at a time says nothing to the others meanwhile. Loading is told by the host, and has a limit of its own. For
 * reading, a slow machine is assumed: 50 tokens a second, four bytes a token.
 */
export interface SilenceFacts {
  /** Requests for models that it works on for us. */
  readonly inFlight: number;
  /** How long it said nothing while it had some. */
  readonly quietMs: number;
  /** Of the longest request without a first token. */
  readonly unreadBytes: number;
  readonly isLoading: boolean;
}

/** A host that generates says something several times a second. */
const lookAfterMs = 3000;
const tryAfterMs = 6000;
const readingMsPerByte = 5;
/** Images are many bytes and few tokens. */
const maxReadingMs = 60_000;

export function judgeSilence({ inFlight, quietMs, unreadBytes, isLoading }: SilenceFacts): 'fine' | 'look' | 'try' {
  if (inFlight === 0 || quietMs < lookAfterMs) return 'fine';
  if (isLoading) return 'look';
  return quietMs < tryAfterMs + Math.min(maxReadingMs, unreadBytes * readingMsPerByte) ? 'look' : 'try';
}
