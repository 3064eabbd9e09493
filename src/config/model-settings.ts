/** The settings of what one client may do to the models that all use, and of what is said when none answers. */
import type { Setting } from './setting.ts';
import { commaList, duration, integer, oneOf, text } from './value-types.ts';

const day = 86_400_000;

export const modelSettings = {
  RUNNER_OPTIONS: {
    type: oneOf('keep', 'round_up', 'fix'),
    default: 'round_up',
    meaning:
      "What becomes of clients' options that make Ollama load a model anew (`num_ctx`, `num_batch`, `num_gpu`, `main_gpu`, `use_mmap`, `num_thread`, `draft_num_predict`). `keep`: they hold. `round_up`: `num_ctx` becomes the next power of two, at least 2048, so that clients share a size; the rest is taken away, except of an admin. `fix`: all are taken away. A virtual model may say otherwise for itself. What was changed stands in `X-Deci-Adjusted`.",
    group: 'Ollama',
  },
  NUM_CTX_MAX: {
    type: integer(2048, 2 ** 30),
    default: '131072',
    meaning:
      'The largest `num_ctx` of a request that is not from an admin, in tokens: the memory of a host grows with it. A virtual model may say more for itself.',
    group: 'Ollama',
  },
  KEEP_ALIVE_MIN: {
    type: duration(0, day),
    default: '1m',
    meaning:
      'The least `keep_alive` of a request that is not from an admin, so that nobody unloads what others use. `0s` lets it be.',
    group: 'Ollama',
  },
  KEEP_ALIVE_MAX: {
    type: duration(1000, 365 * day),
    default: '24h',
    meaning:
      'The most, also for a `keep_alive` of -1, so that nobody keeps a model loaded for ever. It is not less than `KEEP_ALIVE_MIN`.',
    group: 'Ollama',
  },
  PRE_WARM: {
    type: commaList,
    meaning:
      'Models, virtual ones too, that are loaded on every host as soon as it answers, by one worker for all. None when absent.',
    group: 'Ollama',
  },
  FALLBACK_TEXT: {
    type: text,
    meaning:
      'What is said, and marked, when no host, no fallback and no record has an answer. Absent: the error. A stock client takes it for an answer. Never where the answer has a `format`, and never for embeddings.',
    group: 'Failing hosts',
  },
} as const satisfies Record<string, Setting<unknown>>;
