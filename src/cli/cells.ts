/** Values of the API as text for a cell. */

/** A dash for what is not there. */
export function cellText(value: unknown): string {
  if (value === undefined || value === null || value === '') return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** To the second, in UTC, as in the log files; what is no time stays as it is. */
export function timeText(value: unknown): string {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? cellText(value) : new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

export function durationText(value: unknown): string {
  if (typeof value !== 'number') return cellText(value);
  if (value < 1000) return `${Math.round(value)}ms`;
  const seconds = value / 1000;
  if (seconds < 60) return `${Math.round(seconds * 10) / 10}s`;
  const [major, minor, unit, rest] = seconds < 3600 ? [60, 1, 'm', 's'] : [3600, 60, 'h', 'm'];
  const left = Math.floor((seconds % major) / minor);
  return `${Math.floor(seconds / major)}${unit}${left === 0 ? '' : ` ${left}${rest}`}`;
}
