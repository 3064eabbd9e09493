/** Large questions to a server that is short of memory. */

interface Asked {
  readonly url: string;
  readonly key: string;
}

export interface Told {
  readonly status: number;
  readonly retryAfter: number;
  readonly text: string;
}

/** Never rejects: status 0 is no answer. Questions of that size, all at once; each has another prompt, so that none shares an answer. */
export function largeQuestions(
  { url, key }: Asked,
  count: number,
  bytes: number,
  signal: AbortSignal,
): Array<Promise<Told>> {
  return Array.from({ length: count }, async (_, index) => {
    // Many strings, as messages have, and not one large one.
    const messages = Array.from({ length: Math.ceil(bytes / 1000) }, () => ({
      role: 'user',
      content: `${index} `.repeat(240),
    }));
    try {
      const response = await fetch(`${url}/api/chat`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}` },
        body: JSON.stringify({ model: 'llama3.2', messages, stream: false }),
        signal,
      });
      const retryAfter = Number(response.headers.get('retry-after'));
      return { status: response.status, retryAfter, text: await response.text() };
    } catch {
      return { status: 0, retryAfter: 0, text: '' };
    }
  });
}
