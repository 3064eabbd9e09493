/**
 * The healer that starts a local Ollama server again which is gone, or lets in and does nothing, and stays so. One that gives tokens
 * to anyone is never restarted, whatever it says to looks: that would cut their answers.
 */
import type { Episode, Healer } from '../journal/healer.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import { withDeadline } from '../kernel/deadline.ts';
import { pause } from '../kernel/pause.ts';
import { type CaredHost, type OllamaCare } from './ollama-healers.ts';
import type { RestartFinder } from './restart-finder.ts';
import type { RestartWay } from './restart-way.ts';
import type { CommandResult } from './run-command.ts';

export interface OllamaRestartOptions {
  readonly care: OllamaCare;
  readonly finder: Pick<RestartFinder, 'way' | 'look'>;
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
  signs: number;
  heardAtMs: number;
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
    const { care, finder } = this.#options;
    for (const host of care.hosts) {
      if (!host.isLocal) continue;
      const patient = this.#note(host.name, await this.#troubleOf(host));
      const forMs = care.nowMs() - patient.sinceMs;
      if (!this.#isDue(patient, forMs)) continue;
      if (finder.way === undefined) await finder.look();
      if (finder.way !== undefined) return [this.#episode(host, finder.way, { patient, forMs })];
    }
    return [];
  }

  #isDue({ trouble, mayAtMs, heardAtMs }: Patient, forMs: number): boolean {
    const nowMs = this.#options.care.nowMs();
    if (trouble === undefined || nowMs < mayAtMs || nowMs - heardAtMs < patienceMs) return false;
    return trouble === 'wedged' || forMs >= patienceMs;
  }

  async #troubleOf(host: CaredHost): Promise<Trouble | undefined> {
    const seen = await host.look();
    if (seen === 'strange') return undefined;
    if (seen !== 'answers') return seen;
    const isLeftAlone = this.#options.care.leftAlone().some(row => row.host === host.name);
    if (!isLeftAlone) this.#wedged.delete(host.name);
    return this.#wedged.has(host.name) ? 'wedged' : undefined;
  }

  #note(name: string, trouble: Trouble | undefined): Patient {
    const nowMs = this.#options.care.nowMs();
    const signs = this.#options.care.signsOfLife(name);
    const patient = this.#patients.get(name) ?? newPatient(nowMs, signs);
    this.#patients.set(name, patient);
    if (signs !== patient.signs) patient.heardAtMs = nowMs;
    patient.signs = signs;
    if ((trouble === undefined) !== (patient.trouble === undefined)) patient.sinceMs = nowMs;
    patient.trouble = trouble;
    if (trouble === undefined && nowMs - patient.sinceMs > forgetMs) patient.restarts = 0;
    return patient;
  }

  #episode(host: CaredHost, way: RestartWay, { patient, forMs }: { patient: Patient; forMs: number }): Episode {
    const { care, run, onRun, finder } = this.#options;
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
        if (!isBack) {
          // It may be run by something else by now.
          await finder.look();
          return { result: 'no_effect', requests_affected: null };
        }
        this.#wedged.delete(host.name);
        care.tryAgain(host.name);
        return { result: 'healed', requests_affected: null };
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

function newPatient(nowMs: number, signs: number): Patient {
  return { trouble: undefined, signs, heardAtMs: Number.NEGATIVE_INFINITY, sinceMs: nowMs, restarts: 0, mayAtMs: 0 };
}

const sentences: Readonly<Record<Trouble, string>> = {
  refused: 'The server cannot be dialled.',
  silent: 'The server lets in and does not answer.',
  wedged: 'The server generates nothing, not even with a model that it loaded anew.',
};
