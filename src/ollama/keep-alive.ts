/** How long a model stays loaded behind a request, as clients say it and as we let them. Pure. */

export interface KeepAliveLimits {
  readonly minMs: number;
  readonly maxMs: number;
}

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy;

/**
 * A number of seconds or a duration of Go's, such as `1h30m`.
 * @returns milliseconds, `Infinity` for what is negative, undefined for what Ollama would refuse
 */
export function durationMs(value: unknown): number | undefined {
  if (typeof value === 'number') return value < 0 ? Number.POSITIVE_INFINITY : value * 1000;
  if (typeof value !== 'string' || value.length > 64) return undefined;
  const ms = unsignedMs(value.replace(/^[+-]/, ''));
  return ms !== undefined && ms > 0 && value.startsWith('-') ? Number.POSITIVE_INFINITY : ms;
}

function unsignedMs(text: string): number | undefined {
  if (text === '0') return 0;
  let ms = 0;
  let read = 0;
  for (const [whole, amount, unit = ''] of text.matchAll(part)) {
    ms += Number(amount) * (unitsMs[unit] ?? 0);
    read += whole.length;
  }
  return text === '' || read !== text.length ? undefined : ms;
}

/** @returns what to send instead, in seconds; undefined when the value may stay, or is one that Ollama refuses itself */
export function clampedKeepAlive(value: unknown, { minMs, maxMs }: KeepAliveLimits): number | undefined {
  const ms = durationMs(value);
  if (ms === undefined) return undefined;
  const within = Math.min(maxMs, Math.max(minMs, ms));
  return within === ms ? undefined : Math.ceil(within / 1000);
}
