/** The latest lines of the log, for a report of how a process ended. Owner: the composition root. Bounded in lines and in each of them. */

const maxLines = 40;
const maxChars = 1000;

export class LastLines {
  readonly #lines: string[] = [];
  #next = 0;

  add(line: string): void {
    this.#lines[this.#next % maxLines] = line.length > maxChars ? line.slice(0, maxChars) : line;
    this.#next++;
  }

  /** Oldest first. */
  all(): readonly string[] {
    const at = this.#next % maxLines;
    return this.#next <= maxLines ? [...this.#lines] : [...this.#lines.slice(at), ...this.#lines.slice(0, at)];
  }
}
