/** Faults in the body of an answer: every line of a stream, or the one object of a plain answer, passes through here. */
import type { BodyOutput } from './body-output.ts';
import type { Fault, FaultName } from './faults.ts';
import type { Timing } from './timing.ts';

const DEFAULT_AFTER = 3;
const HUGE_LINE_BYTES = 20 * 1024 * 1024;
const ENDLESS_BYTES = 64 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

export const errorMessageOf = (fault: Fault): string =>
  fault.message ?? 'an error was encountered while running the model: unexpected EOF';

/** What a truncated answer looks like: the metrics may be there, the word that it is complete is not. */
function markUndone(text: string): string {
  return text.replace(/"done":true(,"done_reason":"\w+")?/, '"done":false');
}

/** Acts on one line; false when nothing more may be written. */
type LineFault = (body: FaultyBody, line: string, isLast: boolean) => Promise<boolean>;

/** Faults that change every line from `after` on. */
const EVERY_LINE: Partial<Record<FaultName, LineFault>> = {
  drip: (body, line) => body.drip(line),
  'split-utf8': (body, line) => body.split(line),
  'blank-lines': (body, line) => body.output.write(`\n\n${line}`),
  'done-false': (body, line, isLast) => body.output.write(isLast ? markUndone(line) : line),
  'repeat-token': (body, line, isLast) => (isLast ? body.finish('') : body.output.write(line)),
};

/** Faults that strike once, at line number `after`. */
const ONE_LINE: Partial<Record<FaultName, LineFault>> = {
  'end-silently': body => body.finish(''),
  'die-mid-stream': async body => {
    body.output.cut(body.fault.variant === 'rst');
    return false;
  },
  'hang-mid-stream': async body => {
    await body.output.closed();
    return false;
  },
  'half-line': (body, line) => body.finish(line.slice(0, line.length / 2)),
  'error-line': body => body.finish(`${JSON.stringify({ error: errorMessageOf(body.fault) })}\n`),
  'malformed-line': async (body, line) =>
    (await body.output.write(`${malformedText(body.fault)}\n`)) && body.output.write(line),
  'huge-line': (body, line) => body.huge(line),
  'never-newline': (body, line) => body.endless(line),
  'invalid-utf8': (body, line) =>
    body.output.write(Buffer.concat(splitAtText(line, Buffer.from([0xff, 0xfe, 0xc0, 0xaf])))),
};

/** The same faults in the one object of an answer that is not streamed, where they mean something else there. */
const WHOLE: Partial<Record<FaultName, (body: FaultyBody, text: string) => Promise<boolean>>> = {
  'end-silently': (body, text) => body.finish(markUndone(text)),
  'repeat-token': (body, text) => body.finish(markUndone(text)),
  'malformed-line': body => body.finish(malformedText(body.fault)),
  'die-mid-stream': (body, text) => body.writeHalf(text),
  'hang-mid-stream': (body, text) => body.writeHalf(text),
};

export const isBodyFault = (fault: Fault | undefined): fault is Fault =>
  fault !== undefined && (fault.fault in EVERY_LINE || fault.fault in ONE_LINE);

export class FaultyBody {
  readonly output: BodyOutput;
  readonly fault: Fault;
  readonly #timing: Timing;
  readonly #after: number;
  readonly #total: number;
  #written = 0;

  /** `total` is the number of lines to come, so that the fault strikes before the last one at the latest. */
  constructor(output: BodyOutput, fault: Fault, total: number, timing: Timing) {
    this.output = output;
    this.fault = fault;
    this.#timing = timing;
    this.#total = total;
    this.#after = Math.min(fault.after ?? defaultAfter(fault.fault), Math.max(0, total - 1));
  }

  /** False when nothing more may be written. */
  async write(line: string): Promise<boolean> {
    const index = this.#written++;
    const every = EVERY_LINE[this.fault.fault];
    if (every) return index < this.#after ? this.output.write(line) : every(this, line, index === this.#total - 1);
    const once = index === this.#after ? ONE_LINE[this.fault.fault] : undefined;
    return once ? once(this, line, index === this.#total - 1) : this.output.write(line);
  }

  async writeWhole(text: string): Promise<void> {
    const whole = WHOLE[this.fault.fault];
    if (whole ? await whole(this, text) : await this.write(text)) this.output.end();
  }

  /** Half of a text whose length was announced, then what the fault does. */
  async writeHalf(text: string): Promise<boolean> {
    return (await this.output.write(text.slice(0, text.length / 2))) && this.write('');
  }

  async finish(rest: string): Promise<boolean> {
    if (rest !== '') await this.output.write(rest);
    this.output.end();
    return false;
  }

  async drip(line: string): Promise<boolean> {
    for (const byte of Buffer.from(line)) {
      if (!(await this.output.write(Buffer.of(byte)))) return false;
      if (this.fault.ms !== undefined) await this.#timing.sleep(this.fault.ms);
    }
    return true;
  }

  /** Breaks the line inside its first character of several bytes and lets the halves travel apart. */
  async split(line: string): Promise<boolean> {
    const bytes = Buffer.from(line);
    const at = bytes.findIndex(byte => byte >= 0xc0);
    if (at < 0) return this.output.write(bytes);
    if (!(await this.output.write(bytes.subarray(0, at + 1)))) return false;
    await this.#timing.sleep(this.fault.ms ?? 5);
    return this.output.write(bytes.subarray(at + 1));
  }

  async huge(line: string): Promise<boolean> {
    const [head = Buffer.alloc(0), filling = Buffer.alloc(0), tail = Buffer.alloc(0)] = splitAtText(
      line,
      Buffer.from('a'),
    );
    const bytes = (this.fault.bytes ?? HUGE_LINE_BYTES) - head.length - tail.length;
    return (
      (await this.output.write(head)) && (await this.#fill(Math.max(filling.length, bytes))) && this.output.write(tail)
    );
  }

  async endless(line: string): Promise<boolean> {
    const [head = Buffer.alloc(0)] = splitAtText(line, Buffer.from('a'));
    if (!(await this.output.write(head)) || !(await this.#fill(this.fault.bytes ?? ENDLESS_BYTES))) return false;
    this.output.cut(false);
    return false;
  }

  async #fill(bytes: number): Promise<boolean> {
    const piece = Buffer.alloc(PIECE_BYTES, 'a');
    for (let left = bytes; left > 0; left -= piece.length) {
      if (!(await this.output.write(left < piece.length ? piece.subarray(0, left) : piece))) return false;
    }
    return true;
  }
}

/** Those that break the connection do it in the middle; those that spoil bytes begin at once. */
function defaultAfter(name: FaultName): number {
  return name in EVERY_LINE || name === 'never-newline' || name === 'huge-line' || name === 'invalid-utf8'
    ? 0
    : DEFAULT_AFTER;
}

const malformedText = (fault: Fault): string => fault.body ?? 'this is not JSON';

/** Puts bytes into the text of a line, where a client decodes it. */
function splitAtText(line: string, inserted: Buffer): Buffer[] {
  const marker = /"(?:content|response)":"/.exec(line) ?? /"(?:status|name|model)":"/.exec(line);
  const at = marker ? marker.index + marker[0].length : Math.min(1, line.length);
  return [Buffer.from(line.slice(0, at)), inserted, Buffer.from(line.slice(at))];
}
