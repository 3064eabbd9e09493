/**
 * The healer that pulls a model again whose file is damaged, as the requests for it have shown: nothing is loaded to find out.
 *
 * Ollama does not fetch a file again that is there, whatever is in it. Where a pull did not help, the model is deleted first, and
 * from then on owed: it is pulled until it is back, above the budget, and by the next control process if this one dies.
 */
import type { Episode, Healer } from '../journal/healer.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import { withDeadline } from '../kernel/deadline.ts';
import { damagedModel, isDamaged } from '../ollama/damaged-model.ts';
import { modelKey } from '../ollama/model-key.ts';
import type { CaredHost, LeftAlone, OllamaCare } from './ollama-healers.ts';
import { type OwedModel, replaceAction, restoreAction } from './owed-models.ts';

export interface ModelPullOptions {
  readonly care: OllamaCare;
  /** What an earlier control process owes. Asked until it answers. @throws while it cannot be known */
  readonly owed: () => Promise<readonly OwedModel[]>;
}

const loadMs = 60_000;
const removeMs = 60_000;
const pullMs = 2 * 3600_000;
/** Nothing that is begun may be broken off by it: a pull before, the deletion, the pull behind it, and a load behind each. */
const actionMs = 2 * pullMs + 10 * 60_000;
const firstPauseMs = 10_000;
const maxPauseMs = 10 * 60_000;
/** Days of trying. Then it is for its user to pull, who was told each time. */
const maxRestores = 1000;

interface Debt extends OwedModel {
  /** As the host wrote it, where that is known. */
  readonly name: string;
  tries: number;
  dueAtMs: number;
}

interface Case {
  readonly host: CaredHost;
  /** By which breakers know it. */
  readonly model: string;
}

export class ModelPull implements Healer {
  readonly info = healerCatalogue['ollama-pull'];
  readonly intervalMs = 2000;
  readonly actionMs = actionMs;
  readonly #options: ModelPullOptions;
  readonly #debts = new Map<string, Debt>();
  #hasAsked = false;
  /** Pulled already, and damaged still. */
  readonly #unhelped = new Set<string>();
  /** Acted on since their breaker opened last. */
  readonly #acted = new Set<string>();

  constructor(options: ModelPullOptions) {
    this.#options = options;
  }

  async detect(): Promise<readonly Episode[]> {
    await this.#learnDebts();
    for (const debt of this.#debts.values()) {
      const found = await this.#stillOwed(debt);
      if (found !== undefined) return [this.#restoration(found, debt)];
    }
    for (const row of this.#options.care.leftAlone()) {
      const found = this.#damaged(row);
      if (found === undefined || (await found.host.look()) !== 'answers') continue;
      return [this.#unhelped.has(keyOf(found)) ? this.#replacement(found) : this.#pull(found)];
    }
    return [];
  }

  async #learnDebts(): Promise<void> {
    if (this.#hasAsked) return;
    try {
      for (const one of await this.#options.owed()) this.#owe({ ...one, name: one.model });
      this.#hasAsked = true;
    } catch {
      // The journal cannot be read now: it is asked again by the next look.
    }
  }

  #damaged({ host: name, model, cause, isOpen }: LeftAlone): Case | undefined {
    const host = this.#host(name);
    if (host === undefined || model === undefined || cause !== damagedModel) return undefined;
    const found = { host, model };
    if (isOpen) this.#acted.delete(keyOf(found));
    // Half open it waits for a request to try it: what was done may have helped.
    return this.#acted.has(keyOf(found)) ? undefined : found;
  }

  /** @returns undefined while it is not due, nobody can say, or it is back */
  async #stillOwed({ host: name, model, dueAtMs }: Debt): Promise<Case | undefined> {
    const host = this.#host(name);
    if (host === undefined || this.#options.care.nowMs() < dueAtMs) return undefined;
    const names = await host.listed().catch(() => undefined);
    if (names === undefined) return undefined;
    const found = { host, model };
    if (!names.some(one => modelKey(one) === model)) return found;
    this.#debts.delete(keyOf(found));
    return undefined;
  }

  #pull(found: Case): Episode {
    const { host, model } = found;
    return {
      ...this.#shape(found),
      decision: `${host.name} says that the file of ${model} is damaged.`,
      action: 'pull_model',
      act: async signal => {
        this.#acted.add(keyOf(found));
        // Fails where no registry has it: then nothing was touched.
        await pullNow(host, await nameOn(found), signal);
        const words = await loadFailure(found, signal);
        if (words === undefined) return this.#healed(found);
        if (isDamaged(words)) {
          this.#unhelped.add(keyOf(found));
          this.#acted.delete(keyOf(found));
        }
        return noEffect;
      },
    };
  }

  #replacement(found: Case): Episode {
    const { host, model } = found;
    return {
      ...this.#shape(found),
      decision: `${host.name} has pulled ${model}, and still says that its file is damaged: it is deleted and pulled anew.`,
      action: replaceAction,
      act: async signal => {
        this.#acted.add(keyOf(found));
        this.#unhelped.delete(keyOf(found));
        const name = await nameOn(found);
        // Once more, which costs nothing where it is complete: the registry has it at this moment, or nothing is deleted.
        await pullNow(host, name, signal);
        const words = await loadFailure(found, signal);
        if (words === undefined) return this.#healed(found);
        if (!isDamaged(words)) return noEffect;
        // Before it is gone: the answer to the deletion may be lost.
        this.#owe({ host: host.name, model, name });
        await within(removeMs, signal, both => host.remove(name, both)).catch(() => undefined);
        const isBack = await this.#payBack(found, name);
        if (!isBack) return { result: 'worse', requests_affected: null };
        return (await loadFailure(found, signal)) === undefined ? this.#healed(found) : noEffect;
      },
    };
  }

  #restoration(found: Case, debt: Debt): Episode {
    const { host, model } = found;
    return {
      ...this.#shape(found),
      trigger: { signal: 'model_gone', value: debt.tries, threshold: maxRestores },
      decision: `${model} was deleted on ${host.name} to be pulled anew, and is not back.`,
      action: restoreAction,
      isOwed: true,
      act: async () => {
        const isBack = await this.#payBack(found, debt.name);
        return isBack ? this.#healed(found) : { result: 'worse', requests_affected: null };
      },
    };
  }

  #shape({ host, model }: Case): Pick<Episode, 'trigger' | 'target' | 'takeTurn'> {
    return {
      trigger: { signal: damagedModel, value: null, threshold: null },
      target: keyOf({ host, model }),
      takeTurn: this.#options.care.takeTurn,
    };
  }

  /** Its deadline is its own: whatever became of the action, the model is to be back. */
  async #payBack(found: Case, name: string): Promise<boolean> {
    const key = keyOf(found);
    try {
      await withDeadline(pullMs, signal => found.host.pull(name, signal));
      this.#debts.delete(key);
      return true;
    } catch {
      const debt = this.#debts.get(key);
      if (debt === undefined) return false;
      debt.tries++;
      debt.dueAtMs = this.#options.care.nowMs() + Math.min(maxPauseMs, firstPauseMs * 2 ** Math.min(debt.tries, 10));
      if (debt.tries >= maxRestores) this.#debts.delete(key);
      return false;
    }
  }

  #healed(found: Case): Acted {
    this.#unhelped.delete(keyOf(found));
    this.#options.care.tryAgain(found.host.name);
    return { result: 'healed', requests_affected: null };
  }

  #owe(owed: Pick<Debt, 'host' | 'model' | 'name'>): void {
    this.#debts.set(`${owed.host} ${owed.model}`, { ...owed, tries: 0, dueAtMs: 0 });
  }

  #host(name: string): CaredHost | undefined {
    return this.#options.care.hosts.find(one => one.name === name);
  }
}

type Acted = Awaited<ReturnType<Episode['act']>>;

const noEffect: Acted = { result: 'no_effect', requests_affected: null };

function keyOf({ host, model }: Case): string {
  return `${host.name} ${model}`;
}

/** As the host writes it; breakers know all names in small letters. */
async function nameOn({ host, model }: Case): Promise<string> {
  const names = await host.listed().catch((): readonly string[] => []);
  return names.find(one => modelKey(one) === model) ?? model;
}

/** @throws also when it takes too long */
function pullNow(host: CaredHost, model: string, signal: AbortSignal): Promise<void> {
  return within(pullMs, signal, both => host.pull(model, both));
}

/** @returns what the host says; undefined when it loads it, or says nothing in time */
async function loadFailure({ host, model }: Case, signal: AbortSignal): Promise<string | undefined> {
  let isLate = false;
  try {
    await within(loadMs, signal, both => {
      both.addEventListener('abort', () => {
        isLate = true;
      });
      return host.load(model, both);
    });
    return undefined;
  } catch (error) {
    return isLate ? undefined : String(error instanceof Error ? error.message : error);
  }
}

function within<T>(maxMs: number, signal: AbortSignal, work: (both: AbortSignal) => Promise<T>): Promise<T> {
  return withDeadline(maxMs, async deadline => work(AbortSignal.any([deadline, signal])));
}
