/** How a worker asks control for new workers: over control's own socket. */
import type { Config } from '../config/config.ts';
import { controlSocketPath } from '../config/live-workers.ts';
import { DeciError } from '../kernel/errors.ts';
import type { HttpAnswer } from '../kernel/http-exchange.ts';
import { parseObject } from '../kernel/json.ts';
import { askSocket } from '../kernel/socket-request.ts';
import type { Spine } from './create-spine.ts';

/** What control has promised. */
interface Asked {
  readonly journal_id: string;
  readonly requested_at: string;
}

const answerMs = 3000;

export function recycleAsker({ recycleAtMinutes, places }: Config, journal: Spine['journal']) {
  return {
    at: recycleAtMinutes === undefined ? null : clockText(recycleAtMinutes),
    journal,
    ask: async (): Promise<Asked> => {
      const { status, text } = await askControl(controlSocketPath(places.runDir));
      const { journal_id, requested_at, error } = parseObject(text) ?? {};
      if (status === 409) throw new DeciError('not_now', typeof error === 'string' ? { message: error } : {});
      if (status !== 202 || typeof journal_id !== 'string' || typeof requested_at !== 'string') {
        throw new DeciError('control_unavailable', { message: `the control process answered ${status}` });
      }
      return { journal_id, requested_at };
    },
  };
}

async function askControl(socketPath: string): Promise<HttpAnswer> {
  try {
    return await askSocket({ socketPath, method: 'POST', path: '/recycle', timeoutMs: answerMs });
  } catch (cause) {
    throw new DeciError('control_unavailable', { cause });
  }
}

function clockText(minutes: number): string {
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60].map(part => String(part).padStart(2, '0'));
  return `${hours}:${rest}`;
}
