/** The list of faults in force and the choice of the one that hits a request. Owner: one fake server. */

export const FAULT_NAMES = [
  'ok',
  'slow',
  'drip',
  'hang',
  'hang-mid-stream',
  'refuse',
  'reset',
  'busy-503',
  'status',
  'html-200',
  'die-mid-stream',
  'end-silently',
  'done-false',
  'half-line',
  'malformed-line',
  'blank-lines',
  'error-line',
  'never-newline',
  'huge-line',
  'invalid-utf8',
  'header-linebreak',
  'header-bomb',
  'repeat-token',
  'cold-load',
  'split-utf8',
  'load-failure',
  'crash-embed-400',
] as const;

export type FaultName = (typeof FAULT_NAMES)[number];

export interface Fault {
  fault: FaultName;
  /** Exact path, or a prefix that ends in `*`. Faults of inference hit only inference paths when it is left out. */
  path?: string;
  method?: string;
  model?: string;
  /** Requests it hits before it is spent; without it, all until it is cleared. */
  times?: number;
  /** Matching requests it lets pass first. */
  skip?: number;
  /** Act when the headers are there, before the body is read. */
  early?: boolean;
  /** slow: delay; cold-load: load time; drip: pause per byte; split-utf8: pause inside the character. */
  ms?: number;
  /** Lines that leave unharmed before a fault in mid-stream. */
  after?: number;
  status?: number;
  kind?: 'json' | 'html' | 'plain';
  body?: string;
  headers?: Readonly<Record<string, string>>;
  message?: string;
  /** huge-line: length of the line; never-newline: where it stops; header-bomb: size of the headers. */
  bytes?: number;
  /** die-mid-stream: RST instead of FIN. header-linebreak: a header that parses, smuggled behind the break. */
  variant?: 'rst' | 'legal';
  /** refuse: how long nothing listens. */
  forMs?: number;
  /** refuse: cut the open connections too, as a killed process would. */
  cut?: boolean;
}

const INFERENCE_FAULTS = new Set<FaultName>(['busy-503', 'cold-load', 'load-failure', 'repeat-token', 'split-utf8']);
const INFERENCE_PATHS = new Set(['/api/chat', '/api/generate', '/api/embed', '/api/embeddings']);
const EMBED_PATHS = new Set(['/api/embed', '/api/embeddings']);

export interface FaultTarget {
  method: string;
  path: string;
  model: string | undefined;
}

function matchesPath(fault: Fault, path: string): boolean {
  if (fault.path === undefined) {
    if (fault.fault === 'crash-embed-400') return EMBED_PATHS.has(path);
    return !INFERENCE_FAULTS.has(fault.fault) || INFERENCE_PATHS.has(path);
  }
  return fault.path.endsWith('*') ? path.startsWith(fault.path.slice(0, -1)) : path === fault.path;
}

export function parseFault(value: unknown): Fault {
  if (typeof value !== 'object' || value === null || !('fault' in value))
    throw new TypeError('a fault needs the field "fault"');
  const name = value.fault;
  if (!FAULT_NAMES.some(known => known === name)) throw new TypeError(`unknown fault: ${String(name)}`);
  return value as Fault;
}

export class Faults {
  #faults: Fault[] = [];

  get size(): number {
    return this.#faults.length;
  }

  list(): Fault[] {
    return this.#faults.map(fault => ({ ...fault }));
  }

  add(fault: Fault): void {
    this.#faults.push({ ...fault });
  }

  /** Removes the faults of one path and model, or all of them. */
  clear(path?: string, model?: string): void {
    this.#faults = this.#faults.filter(
      fault => (path !== undefined && fault.path !== path) || (model !== undefined && fault.model !== model),
    );
  }

  /** The oldest fault that fits, counted down. Early faults are asked for before the body, so without a model. */
  take(target: FaultTarget, early: boolean): Fault | undefined {
    for (const [index, fault] of this.#faults.entries()) {
      if ((fault.early ?? false) !== early || !fits(fault, target)) continue;
      if (fault.skip !== undefined && fault.skip > 0) {
        fault.skip--;
        continue;
      }
      if (fault.times !== undefined && --fault.times <= 0) this.#faults.splice(index, 1);
      return { ...fault };
    }
    return undefined;
  }
}

function fits(fault: Fault, target: FaultTarget): boolean {
  if (fault.method !== undefined && fault.method !== target.method) return false;
  if (fault.model !== undefined && fault.model !== target.model) return false;
  return matchesPath(fault, target.path);
}
