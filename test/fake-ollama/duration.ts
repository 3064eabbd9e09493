/** keep_alive values: seconds as a number or a Go duration as a string; negative means for ever. */
import { WireError } from './wire-error.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const PART = /^(\d+\.?\d*|\.\d+)([^\d.]*)/;

function parseGoDurationMs(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1;
  let rest = text.replace(/^[+-]/, '');
  if (rest === '0') return 0;
  let total = 0;
  do {
    const [part, number, unit] = PART.exec(rest) ?? [];
    if (part === undefined) throw new WireError(400, `time: invalid duration ${JSON.stringify(text)}`);
    total += Number(number) * unitMs(unit ?? '', text);
    rest = rest.slice(part.length);
  } while (rest !== '');
  return sign * total;
}

function unitMs(unit: string, text: string): number {
  const quoted = JSON.stringify(text);
  if (unit === '') throw new WireError(400, `time: missing unit in duration ${quoted}`);
  const ms = UNIT_MS[unit];
  if (ms === undefined) throw new WireError(400, `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`);
  return ms;
}

function goTypeName(value: unknown): string {
  if (typeof value === 'boolean') return 'bool';
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}

/** Milliseconds, Infinity for ever, undefined when the request does not say. */
export function parseKeepAliveMs(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number') return value < 0 ? Number.POSITIVE_INFINITY : value * 1000;
  if (typeof value !== 'string') throw new WireError(400, `Unsupported type: '${goTypeName(value)}'`);
  const ms = parseGoDurationMs(value);
  return ms < 0 ? Number.POSITIVE_INFINITY : ms;
}
