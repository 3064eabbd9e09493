/** What the health page says of the journal; looked up at most once a second, however often it is asked for. */

interface Summary {
  readonly last_24h: number | null;
  readonly active: readonly string[];
}

export interface HealingSummaryOptions {
  readonly journal: {
    summary(sinceTime: string): Promise<{ readonly actions: number; readonly active: readonly string[] }>;
  };
  readonly now: () => number;
}

const rememberMs = 1000;
const day = 86_400_000;

export function createHealingSummary({ journal, now }: HealingSummaryOptions): () => Promise<Summary> {
  let known: Summary | undefined;
  let knownAtMs = 0;
  return async () => {
    const atMs = now();
    if (known !== undefined && Math.abs(atMs - knownAtMs) < rememberMs) return known;
    knownAtMs = atMs;
    try {
      const { actions, active } = await journal.summary(new Date(atMs - day).toISOString());
      known = { last_24h: actions, active };
    } catch {
      known = { last_24h: null, active: [] };
    }
    return known;
  };
}
