/** The healers: what each repairs, whether it may, and how much of its budget it has used. */
import type { HealerInfo, HealerMode } from '../../journal/healer.ts';
import { DeciError } from '../../kernel/errors.ts';
import { parseJsonBody } from '../json-body.ts';
import { sendJson } from '../respond.ts';
import type { Handler } from '../route-table.ts';
import { validateBody } from '../validate.ts';
import type { JournalDeps } from './journal.ts';

export interface HealersDeps {
  readonly healers: Readonly<Record<string, HealerInfo>>;
  readonly journal: JournalDeps['journal'] & {
    /** How often a healer has acted since then. */
    countSince(healer: string, sinceTime: string): Promise<number>;
  };
  readonly settings: {
    all(): Promise<ReadonlyMap<string, HealerMode>>;
    /** Durable when it resolves. */
    set(healer: string, mode: HealerMode, by: string, time: string): Promise<void>;
  };
  readonly now: () => number;
}

export function listHealers(deps: HealersDeps): Handler {
  return async context => {
    const modes = await deps.settings.all();
    const data = await Promise.all(Object.values(deps.healers).map(info => tell(info, modes, deps)));
    sendJson(context, { data, next_cursor: null, has_more: false });
  };
}

export function setHealer(deps: HealersDeps): Handler {
  return async context => {
    const name = context.params['name'] ?? '';
    const info = Object.hasOwn(deps.healers, name) ? deps.healers[name] : undefined;
    if (info === undefined) {
      const known = Object.keys(deps.healers).join(', ');
      throw new DeciError('not_found', { message: `there is no healer ${JSON.stringify(name)}; there are: ${known}` });
    }
    const { mode } = await validateBody('PUT /api/admin/healers/:name', parseJsonBody(context.body));
    const time = new Date(deps.now()).toISOString();
    await deps.settings.set(name, mode, context.principal?.id ?? 'unknown', time);
    sendJson(context, await tell(info, await deps.settings.all(), deps));
  };
}

async function tell(
  { name, repairs, budget }: HealerInfo,
  modes: ReadonlyMap<string, HealerMode>,
  { journal, now }: HealersDeps,
): Promise<object> {
  const since = new Date(now() - budget.windowMs).toISOString();
  const { records } = await journal.list({ limit: 1, healer: name });
  return {
    name,
    repairs,
    mode: modes.get(name) ?? 'on',
    budget: { actions: budget.actions, window_s: budget.windowMs / 1000 },
    used: await journal.countSince(name, since),
    last: records[0] ?? null,
  };
}
