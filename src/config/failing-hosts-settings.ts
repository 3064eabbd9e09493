/** The settings of retries and breakers. */
import type { Setting } from './setting.ts';
import { duration, fraction, integer, text, wordOr } from './value-types.ts';

const day = 86_400_000;

export const failingHostsSettings = {
  RETRY_MAX: {
    type: integer(1, 10),
    default: '3',
    meaning:
      'Attempts of one request, as long as nothing of an answer has reached the client; 1 never tries again. On a host that cannot be dialled, time bounds them instead: `RETRY_BASE` doubled as often.',
    group: 'Failing hosts',
  },
  RETRY_BASE: {
    type: duration(10, 600_000),
    default: '1s',
    meaning:
      'Longest pause before the second attempt on the same host; it doubles with every further one. Its real length is random. Another host is asked at once.',
    group: 'Failing hosts',
  },
  RETRY_CAP: {
    type: duration(10, 600_000),
    default: '30s',
    meaning: 'Longest pause of all, also where a host asks for a longer one with `Retry-After`.',
    group: 'Failing hosts',
  },
  RETRY_BUDGET: {
    type: fraction,
    default: '0.1',
    meaning: 'Retries per request, at most; one every 10 s is always allowed.',
    group: 'Failing hosts',
  },
  BREAKER_FAILURES: {
    type: wordOr('off', integer(1, 1000)),
    default: '5',
    meaning:
      'Failures in a row after which a host, or a model on it, is left alone; so is one where half of at least as many attempts within 60 s failed, unless all of one question or of one key while others are served. `off` leaves none alone.',
    group: 'Failing hosts',
  },
  BREAKER_RESET: {
    type: duration(100, day),
    default: '60s',
    meaning:
      'Longest time for which a failing host is left alone before one attempt tries it again; at first a twelfth of it. A host that was down and answers again is tried at once.',
    group: 'Failing hosts',
  },
  OLLAMA_CANARY_INTERVAL: {
    type: wordOr('off', duration(1000, day)),
    default: '30s',
    meaning:
      'How long nothing may be heard of a host that has a model in memory before it is made to generate one token. That neither loads a model nor keeps one in memory. `off` never does it.',
    group: 'Failing hosts',
  },
  OLLAMA_RESTART_COMMAND: {
    type: text,
    default: 'auto',
    meaning:
      'How an Ollama server on this machine is restarted when it is gone or wedged: a command for the shell, which finds its name in `DECI_UPSTREAM`. `auto` finds a systemd unit, a process of PM2 or a container of this user that serves the port, and the log of control says which, or why none. `off` restarts nothing.',
    group: 'Failing hosts',
  },
} as const satisfies Record<string, Setting<unknown>>;
