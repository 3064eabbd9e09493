/** The results as an aligned table and as JSON. */
import { cpus } from 'node:os';
import type { Result } from './measure.ts';

const columns = ['measure', 'bar', 'value', 'spread', 'verdict'] as const;

export function renderTable(results: readonly Result[]): string {
  const rows = [
    [...columns],
    ...results.map(one => [one.measure, one.bar, one.value, one.spread, one.passed ? 'pass' : 'FAIL']),
  ];
  const widths = columns.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)));
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function renderNotes(results: readonly Result[]): string {
  return results.flatMap(one => one.notes.map(note => `${one.name}: ${note}`)).join('\n');
}

export function renderJson(results: readonly Result[], pinned: boolean): string {
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, pinned };
  return `${JSON.stringify({ at: new Date().toISOString(), machine, results }, undefined, 2)}\n`;
}
