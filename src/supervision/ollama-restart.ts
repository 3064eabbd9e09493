/** The healer that starts a local Ollama server again which is gone, or lets in and does nothing, and stays so. */
import type { Episode, Healer } from '../journal/healer.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import { withDeadline } from '../kernel/deadline.ts';
import { pause } from '../kernel/pause.ts';
import { type CaredHost, type OllamaCare } from './ollama-healers.ts';
import type { RestartWay } from './restart-way.ts';
import type { CommandResult } from './run-command.ts';

export interface OllamaRestartOptions {
  readonly care: OllamaCare;
  /** Undefined as long as there is none. */
  readonly way: () => RestartWay | undefined;
  /** @param signal its deadline; never rejects */
  readonly run: (way: RestartWay, host: string, signal: AbortSignal) => Promise<CommandResult>;
  readonly onRun: (host: string, way: RestartWay, result: CommandResult) => void;
}

/** An upgrade or a restart by hand takes less. */
const patienceMs = 10_000;
const commandMs = 60_000;
const comeBackMs = 60_000;
const lookEveryMs = 500;
const firstPauseMs = 30_000;
const maxPauseMs = 10 * 60_000;
/** Well for so long, a server begins anew. */
const forgetMs = 10 * 60_000;

type Trouble = 'refused' | 'silent' | 'wedged';

/** What is known of one host. */
interface Patient {
  trouble: Trouble | undefined;
  sinceMs: number;
  /** Restarts in a row, and when the next may be. */
  restarts: number;
  mayAtMs: number;
}

export class OllamaRestart implements Healer {
  readonly info = healerCatalogue['ollama-restart'];
  readonly intervalMs = 2000;
  readonly actionMs = commandMs + comeBackMs + 10_000;
  readonly #options: OllamaRestartOptions;
  readonly #patients = new Map<string, Patient>();
  /** Hosts on which a model loaded anew generates nothing. */
  readonly #wedged = new Set<string>();

  constructor(options: OllamaRestartOptions) {
    this.#options = options;
  }

  /** Loading its model anew did not help. */
  noteWedged(host: string): void {
    this.#wedged.add(host);
  }

  async detect(): Promise<readonly Episode[]> {
    const { care, way } = this.#options;
    const known = way();
    if (known === undefined) return [];
    for (const host of care.hosts) {
      if (!host.isLocal) continue;
      const patient = this.#note(host.name, await this.#troubleOf(host));
      const forMs = care.nowMs() - patient.sinceMs;
      if (patient.trouble === undefined || care.nowMs() < patient.mayAtMs) continue;
      if (patient.trouble === 'wedged' || forMs >= patienceMs) return [this.#episode(host, known, { patient, forMs })];
    }
    return [];
  }

  async #troubleOf(host: CaredHost): Promise<Trouble | undefined> {
    const seen = await host.look();
    if (seen !== 'answers') return seen;
    const isLeftAlone = this.#options.care.leftAlone().some(row => row.host === host.name);
    if (!isLeftAlone) this.#wedged.delete(host.name);
    return this.#wedged.has(host.name) ? 'wedged' : undefined;
  }

  #note(name: string, trouble: Trouble | undefined): Patient {
    const nowMs = this.#options.care.nowMs();
    const patient = this.#patients.get(name) ?? { trouble: undefined, sinceMs: nowMs, restarts: 0, mayAtMs: 0 };
    this.#patients.set(name, patient);
    if ((trouble === undefined) !== (patient.trouble === undefined)) patient.sinceMs = nowMs;
    patient.trouble = trouble;
    if (trouble === undefined && nowMs - patient.sinceMs > forgetMs) patient.restarts = 0;
    return patient;
  }

  #episode(host: CaredHost, way: RestartWay, { patient, forMs }: { patient: Patient; forMs: number }): Episode {
    const { care, run, onRun } = this.#options;
    const trouble = patient.trouble ?? 'refused';
    return {
      trigger: { signal: `server_${trouble}`, value: Math.round(forMs), threshold: patienceMs },
      decision: `${sentences[trouble]} It is restarted by ${JSON.stringify(way.words.slice(0, 200))}.`,
      action: 'restart_server',
      target: host.name,
      takeTurn: care.takeTurn,
      act: async signal => {
        const pauseMs = Math.min(maxPauseMs, firstPauseMs * 2 ** Math.min(patient.restarts, 10));
        patient.restarts++;
        const result = await withDeadline(commandMs, deadline => run(way, host.name, deadline));
        onRun(host.name, way, result);
        const isBack = await this.#comesBack(host, signal);
        patient.mayAtMs = care.nowMs() + pauseMs;
        if (!isBack) return { result: 'no_effect', requests_affected: 0 };
        this.#wedged.delete(host.name);
        care.tryAgain(host.name);
        return { result: 'healed', requests_affected: 0 };
      },
    };
  }

  async #comesBack(host: CaredHost, signal: AbortSignal): Promise<boolean> {
    const { nowMs } = this.#options.care;
    for (const untilMs = nowMs() + comeBackMs; nowMs() < untilMs && !signal.aborted; ) {
      if ((await host.look()) === 'answers') return true;
      await pause(lookEveryMs, signal);
    }
    return false;
  }
}

const sentences: Readonly<Record<Trouble, string>> = {
  refused: 'The server cannot be dialled.',
  silent: 'The server lets in and does not answer.',
  wedged: 'The server generates nothing, not even with a model that it loaded anew.',
};
