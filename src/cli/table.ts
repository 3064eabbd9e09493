/**
 * Aligned columns in plain ASCII. Widths are those on a terminal, where a character takes two cells, one or none. When the
 * rows are wider than the terminal the widest columns give way, and then the last ones are left out; into a file or a pipe
 * everything goes whole. Columns stand in the order of their importance.
 */
import { printable } from './printable.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** Kept even when no row is that wide, for rows that come later. */
  readonly minWidth?: number;
  /** Worthless when it is cut, as a time or a number is. */
  readonly isWhole?: boolean;
  /** Dresses a cell that has its final width, for example in a colour. */
  readonly paint?: (cell: string) => string;
}

const gap = '  ';
const leastWidth = 14;
const ascii = /^[\x20-\x7E]*$/;
const segments = new Intl.Segmenter('en', { granularity: 'grapheme' });
const invisible = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const wide =
  /^(?:\p{Emoji_Presentation}|.\uFE0F|[\u1100-\u115F\u2E80-\u303E\u3041-\u33FF\u3400-\u4DBF\u4E00-\u9FFF\uA000-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}])/u;

/** A table whose widths are settled by its first rows. Lines come without their ends. */
export class Table {
  readonly #columns: readonly Column[];
  readonly #widths: readonly number[];
  readonly #isBounded: boolean;

  /** @param maxWidth cells of the terminal; undefined when there is none */
  constructor(columns: readonly Column[], rows: readonly (readonly string[])[], maxWidth: number | undefined) {
    const wanted = columns.map(({ title, minWidth = 0 }, index) =>
      Math.max(minWidth, title.length, ...rows.map(row => displayWidth(printable(row[index] ?? '')))),
    );
    this.#isBounded = maxWidth !== undefined;
    this.#widths = maxWidth === undefined ? wanted : fitted(columns, wanted, maxWidth);
    this.#columns = columns.slice(0, this.#widths.length);
  }

  header(): string {
    return this.#line(
      this.#columns.map(({ title }) => title.toUpperCase()),
      false,
    );
  }

  row(cells: readonly string[]): string {
    return this.#line(cells.map(printable), true);
  }

  #line(cells: readonly string[], painted: boolean): string {
    const parts = this.#columns.map(({ align, paint }, index) => {
      const width = this.#widths[index] ?? 0;
      const text = this.#isBounded ? cutTo(cells[index] ?? '', width) : (cells[index] ?? '');
      const dressed = painted && paint !== undefined && text !== '' ? paint(text) : text;
      const blanks = ' '.repeat(Math.max(0, width - displayWidth(text)));
      return align === 'right' ? blanks + dressed : dressed + blanks;
    });
    return parts.join(gap).trimEnd();
  }
}

export function displayWidth(text: string): number {
  if (ascii.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segments.segment(text)) width += segmentWidth(segment);
  return width;
}

function segmentWidth(segment: string): number {
  if (wide.test(segment)) return 2;
  return invisible.test(segment) ? 0 : 1;
}

function cutTo(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  const room = width - 3;
  let kept = '';
  let used = 0;
  for (const { segment } of segments.segment(text)) {
    used += segmentWidth(segment);
    if (used > room) break;
    kept += segment;
  }
  return `${kept}...`;
}

/** As many columns as have room when cut to the least; of these the widest are then cut to one level, as little as it takes. */
function fitted(columns: readonly Column[], wanted: readonly number[], maxWidth: number): number[] {
  let shown = wanted.length;
  const cutAt = (level: number): number[] =>
    wanted.slice(0, shown).map((width, index) => (columns[index]?.isWhole === true ? width : Math.min(width, level)));
  while (shown > 1 && lineWidth(cutAt(leastWidth)) > maxWidth) shown -= 1;
  let level = Math.max(leastWidth, ...wanted);
  while (level > leastWidth && lineWidth(cutAt(level)) > maxWidth) level -= 1;
  return cutAt(level);
}

function lineWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, gap.length * (widths.length - 1));
}
