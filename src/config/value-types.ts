/** How the text of a setting becomes a value. Each type says what it expected, so that a wrong value is told in one line. */

export interface ValueType<T> {
  /** The `T` of the message `NAME: expected T, got V`, and the type column of the reference. */
  readonly expected: string;
  /** The value, or `undefined` when the text is not of this type. */
  parse(text: string): T | undefined;
}

/** Kept as text in the process, never shown: a malformed upstream URL may hold a password. */
export interface UpstreamUrl {
  readonly url: string;
  readonly slots?: number;
  readonly weight?: number;
}

const durationUnitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const sizeUnitsBytes: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

function scaled(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)\s*([a-z]+)$/i.exec(text);
  const factor = units[(match?.[2] ?? '').toLowerCase()];
  return match?.[1] === undefined || factor === undefined ? undefined : Math.round(Number(match[1]) * factor);
}

export function integer(min: number, max: number): ValueType<number> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    parse: text => {
      const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

/** Milliseconds, written with a unit: `500ms`, `2s`, `30m`, `1h`, `1d`. */
export function duration(minMs: number, maxMs: number): ValueType<number> {
  const examples = [500, 20_000, 1_800_000, 3_600_000].filter(ms => ms >= minMs && ms <= maxMs).map(printDuration);
  const such = examples.length === 0 ? '' : ` such as ${examples.join(', ').replace(/, (?=[^,]*$)/, ' or ')}`;
  return {
    expected: `a duration from ${printDuration(minMs)} to ${printDuration(maxMs)}${such}`,
    parse: text => {
      const value = scaled(text, durationUnitsMs);
      return value !== undefined && value >= minMs && value <= maxMs ? value : undefined;
    },
  };
}

function printDuration(ms: number): string {
  const units = Object.entries(durationUnitsMs).toReversed();
  const [unit, factor] = units.find(([, unitMs]) => ms % unitMs === 0) ?? ['ms', 1];
  return `${ms / factor}${unit}`;
}

/** Minutes since midnight. */
export const timeOfDay: ValueType<number> = {
  expected: 'a time of day such as 02:00 or 23:30',
  parse: text => {
    const [, hours, minutes] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
    return hours === undefined ? undefined : Number(hours) * 60 + Number(minutes);
  },
};

export const fraction: ValueType<number> = {
  expected: 'a number from 0 to 1 such as 0.1',
  parse: text => {
    const value = /^\d(?:\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
    return value <= 1 ? value : undefined;
  },
};

/** Bytes, written with a unit: `64kb`, `1mb`, `2gb`. */
export const size: ValueType<number> = {
  expected: 'a size of at least 1b such as 512kb, 32mb or 1gb',
  parse: text => {
    const value = scaled(text, sizeUnitsBytes);
    return value !== undefined && value > 0 ? value : undefined;
  },
};

export function oneOf<const T extends string>(...values: readonly T[]): ValueType<T> {
  return { expected: values.join(' | '), parse: text => values.find(value => value === text.toLowerCase()) };
}

/** Either the literal word or a value of the other type. */
export function wordOr<const W extends string, T>(word: W, other: ValueType<T>): ValueType<W | T> {
  return {
    expected: `${word}, or ${other.expected}`,
    parse: text => (text.toLowerCase() === word ? word : other.parse(text)),
  };
}

export const text: ValueType<string> = { expected: 'a text', parse: value => value };

/** What a server listens on; an IPv6 address may stand in the brackets it has in a URL. */
export const listenHost: ValueType<string> = {
  expected: 'an IP address or a host name',
  parse: value => {
    const bare = value.replace(/^\[([0-9a-f:.]+)\]$/i, '$1');
    return /[\s/[\]]/.test(bare) ? undefined : bare;
  },
};

export const commaList: ValueType<readonly string[]> = {
  expected: 'a comma list',
  parse: value =>
    value
      .split(',')
      .map(item => item.trim())
      .filter(item => item !== ''),
};

/** `http(s)://host[:port][/prefix][#slots=N&weight=N]`, several separated by commas. */
export const upstreamUrls: ValueType<readonly UpstreamUrl[]> = {
  expected: 'a comma list of http:// or https:// URLs, each with an optional #slots=N&weight=N',
  parse: value => {
    const urls = commaList.parse(value)?.map(upstreamUrl) ?? [];
    return urls.length > 0 && urls.every(url => url !== undefined) ? urls : undefined;
  },
};

/** Ollama's own variable, in its forms: `host`, `host:port`, `:port`, an IPv6 address, a URL; a bind-all address means this machine. */
export const ollamaHost: ValueType<readonly UpstreamUrl[]> = {
  expected: 'a host, host:port or URL',
  parse: value => {
    const bare = value.trim().replace(/^(["'])(.*)\1$/, '$2');
    const hasScheme = /^https?:\/\//.test(bare);
    if (!hasScheme && bare.includes('://')) return undefined;
    const parsed = URL.parse(hasScheme ? bare : `http://${withHost(bare)}`);
    if (parsed === null || parsed.hostname === '' || hasCredentials(parsed)) return undefined;
    const hasPort = hasScheme || /:\d+$/.test(withHost(bare).replace(/\/.*$/, ''));
    if (!hasPort) parsed.port = '11434';
    if (parsed.hostname === '0.0.0.0' || parsed.hostname === '[::]') parsed.hostname = '127.0.0.1';
    return [{ url: parsed.href.replace(/\/$/, '') }];
  },
};

function withHost(given: string): string {
  if (/^:\d+$/.test(given)) return `127.0.0.1${given}`;
  return /^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]*$/i.test(given) ? `[${given}]` : given;
}

/** Nothing would send them, and every log would show them. */
function hasCredentials(url: URL): boolean {
  return url.username !== '' || url.password !== '';
}

function upstreamUrl(value: string): UpstreamUrl | undefined {
  const parsed = URL.parse(value);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) return undefined;
  if (parsed.search !== '' || hasCredentials(parsed)) return undefined;
  const limits = new URLSearchParams(parsed.hash.slice(1));
  const slots = limit(limits, 'slots', 1, 4096);
  const weight = limit(limits, 'weight', 1, 100);
  const known = [...limits.keys()].every(name => name === 'slots' || name === 'weight');
  if (!known || slots === null || weight === null) return undefined;
  parsed.hash = '';
  return {
    url: parsed.href.replace(/\/$/, ''),
    ...(slots === undefined ? {} : { slots }),
    ...(weight === undefined ? {} : { weight }),
  };
}

/** `undefined` when absent, `null` when wrong. */
function limit(limits: URLSearchParams, name: string, min: number, max: number): number | undefined | null {
  const given = limits.get(name);
  return given === null ? undefined : (integer(min, max).parse(given) ?? null);
}
