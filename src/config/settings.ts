/**
 * The one table of settings. Everything a user may set stands here once, or in the two tables that it takes in: name, type,
 * default and meaning.
 * docs/reference/configuration.md is generated from it; a test keeps the two equal.
 */
import { roles } from '../kernel/role.ts';
import { cacheSettings } from './cache-settings.ts';
import { failingHostsSettings } from './failing-hosts-settings.ts';
import { loadSettings } from './load-settings.ts';
import { memorySettings } from './memory-settings.ts';
import { modelSettings } from './model-settings.ts';
import type { Setting } from './setting.ts';
import { supervisionSettings } from './supervision-settings.ts';
import {
  commaList,
  duration,
  integer,
  listenHost,
  ollamaHost,
  oneOf,
  size,
  text,
  timeOfDay,
  upstreamUrls,
  type ValueType,
  wordOr,
} from './value-types.ts';

const day = 86_400_000;

export const settings = {
  PORT: {
    type: wordOr('auto', integer(1, 65_535)),
    default: '3001',
    meaning: 'Port of the public API. `auto` takes a free one, which `npm run status` tells.',
    group: 'Serving',
  },
  HOST: {
    type: listenHost,
    default: '127.0.0.1',
    meaning:
      'Address to listen on. On one that is not loopback every caller needs a key, unless `DECI_AUTH=off` and `DECI_AUTH_OFF_I_KNOW=1` are both set.',
    group: 'Serving',
  },
  DECI_WORKERS: {
    type: wordOr('max', integer(1, 64)),
    default: '2',
    meaning: 'Workers of the cluster; `max` is one per core.',
    group: 'Serving',
  },
  ...supervisionSettings,
  RECYCLE_AT: {
    type: wordOr('off', timeOfDay),
    default: '02:00',
    meaning:
      'Time of day, by the clock of the server (`TZ`), at which all workers are replaced, one after the other, while they serve. Once a day whatever the clock does; within two hours where that time is missed. `off` never does it by itself.',
    group: 'Serving',
  },
  HEARTBEAT_INTERVAL: {
    type: wordOr('off', duration(100, day)),
    default: '10s',
    meaning:
      'How long a stream may be silent before it carries a sign of life (an empty chunk on NDJSON, a comment on SSE). The first one commits the status 200, so a later failure is told inside the stream. `off` never sends one.',
    group: 'Serving',
  },
  OLLAMA_URLS: {
    type: upstreamUrls,
    default: 'http://127.0.0.1:11434',
    meaning:
      'The Ollama servers, separated by commas. `#slots=4&weight=2` after a URL sets the slots that each model has there at most, and how much of the work the host gets.',
    group: 'Ollama',
  },
  OLLAMA_HOST: {
    type: ollamaHost,
    meaning: "Ollama's own variable, read when `OLLAMA_URLS` is absent.",
    group: 'Ollama',
  },
  OLLAMA_MAX_CONNECTIONS: {
    type: integer(1, 4096),
    default: '5',
    meaning:
      'Generations and embeddings that one host works on at the same time, over all workers and models. Each model begins with one slot, or with `#slots`, and gets more while that makes the host faster.',
    group: 'Ollama',
  },
  QUEUE_MAX: {
    type: integer(0, 4096),
    default: '100',
    meaning: 'Callers that may wait for a slot, all workers together; the next one is refused. 0 lets nobody wait.',
    group: 'Ollama',
  },
  QUEUE_MAX_PER_KEY: {
    type: wordOr('auto', integer(1, 4096)),
    default: 'auto',
    meaning:
      'Callers of one key that may wait for a slot while others wait as well. `auto`: an equal part of `QUEUE_MAX`, once the line is full. Whoever waits alone may fill the line.',
    group: 'Ollama',
  },
  OLLAMA_HEALTH_INTERVAL: {
    type: duration(100, day),
    default: '30s',
    meaning: 'How often each host is asked for its version and models while nothing changes; faster after a change.',
    group: 'Ollama',
  },
  REQUEST_TIMEOUT: {
    type: duration(100, day),
    default: '30s',
    meaning: 'Time for a short route, such as a list or a version; silence allowed while a request body arrives.',
    group: 'Time limits',
  },
  CONNECT_TIMEOUT: {
    type: duration(10, 600_000),
    default: '2s',
    meaning: 'Time to open a connection to an Ollama host.',
    group: 'Time limits',
  },
  FIRST_TOKEN_TIMEOUT: {
    type: wordOr('adaptive', duration(100, day)),
    default: 'adaptive',
    meaning:
      'Time from sending a request to its first token, for a model that the host has in memory. `adaptive`: four times what nearly all of its first tokens took, by the length of the prompt, and 15 s at least; `LOAD_TIMEOUT` until a few answers were seen. For any other model, and for embeddings, `LOAD_TIMEOUT` holds alone.',
    group: 'Time limits',
  },
  LOAD_TIMEOUT: {
    type: duration(100, day),
    default: '10m',
    meaning: 'Time in which Ollama may load a model before the first token.',
    group: 'Time limits',
  },
  STALL_TIMEOUT: {
    type: duration(100, day),
    default: '20s',
    meaning:
      'Silence allowed between two tokens; 30 times their usual distance where `FIRST_TOKEN_TIMEOUT` is `adaptive` and that is more.',
    group: 'Time limits',
  },
  INFERENCE_TIMEOUT: {
    type: duration(100, day),
    default: '30m',
    meaning: 'Time for a whole generation, from the first wait to the last token.',
    group: 'Time limits',
  },
  TRANSFER_IDLE_TIMEOUT: {
    type: duration(100, day),
    default: '10m',
    meaning: 'Silence allowed on long routes (pull, push, create, blobs). They have no limit in total.',
    group: 'Time limits',
  },
  ...failingHostsSettings,
  DRAIN_TIMEOUT: {
    type: duration(100, day),
    default: '120s',
    meaning: 'How long a leaving worker lets its streams finish before it ends them with an error.',
    group: 'Time limits',
  },
  BOOT_TIMEOUT: {
    type: duration(100, 600_000),
    default: '30s',
    meaning: 'A worker that does not listen within this time exits instead of staying without serving.',
    group: 'Time limits',
  },
  BODY_LIMIT: {
    type: size,
    default: '1mb',
    meaning: 'Largest JSON body on routes that carry no prompt.',
    group: 'Sizes and memory',
  },
  INFERENCE_BODY_LIMIT: {
    type: size,
    default: '32mb',
    meaning: 'Largest body of an inference request; raise it for many images. Blobs are streamed and have no limit.',
    group: 'Sizes and memory',
  },
  ...memorySettings,
  ...loadSettings,
  ...cacheSettings,
  ...modelSettings,
  DECI_AUTH: {
    type: oneOf('auto', 'required', 'off'),
    default: 'auto',
    meaning:
      '`auto`: without a key only while bound to loopback. `required`: every caller needs a key. `off`: nobody does; keys that are sent still count.',
    group: 'Who may ask',
  },
  DECI_LOCAL_ROLE: {
    type: oneOf(...roles),
    default: 'executor',
    meaning:
      'What callers without a key may do, where they are let in: `viewer` looks, `executor` also uses models, `admin` also pulls and deletes them.',
    group: 'Who may ask',
  },
  DECI_AUTH_OFF_I_KNOW: {
    type: oneOf('1'),
    meaning: 'Confirms `DECI_AUTH=off` on an address that is not loopback: anybody who reaches it may use the models.',
    group: 'Who may ask',
  },
  OLLAMA_ORIGINS: {
    type: commaList,
    meaning: 'Browser origins allowed besides localhost and app schemes; `*` inside an entry matches anything.',
    group: 'Who may ask',
  },
  CORS_ORIGINS: {
    type: commaList,
    meaning: 'More browser origins, in the same form as `OLLAMA_ORIGINS`.',
    group: 'Who may ask',
  },
  ALLOWED_HOSTS: {
    type: commaList,
    meaning: 'Public names under which a proxy reaches a server that is bound to loopback.',
    group: 'Who may ask',
  },
  DECI_HOME: {
    type: text,
    meaning: 'Folder that roots `data`, `logs` and `run`. The checkout when absent.',
    group: 'Places',
  },
  DATA_DIR: { type: text, default: 'data', meaning: 'Folder of what must be kept.', group: 'Places' },
  RUN_DIR: {
    type: text,
    default: 'run',
    meaning: "Folder of sockets, PM2's home and state of what runs.",
    group: 'Places',
  },
  HOT_DIR: {
    type: text,
    meaning:
      'Folder of the state that workers share while they run; it may be lost. A private folder in `/dev/shm` when absent, or `RUN_DIR/hot` where there is no such memory.',
    group: 'Places',
  },
  LOG_DIR: { type: text, default: 'logs', meaning: 'Folder of the daily log files.', group: 'Places' },
  LOG_DIR_FALLBACK: {
    type: text,
    meaning:
      'Folder for logs when `LOG_DIR` cannot be written; a private folder in the temporary directory when absent.',
    group: 'Places',
  },
  LOG_LEVEL: {
    type: oneOf('error', 'warn', 'info', 'debug'),
    default: 'info',
    meaning: 'Least severe level that is logged. Request lines are of level info.',
    group: 'Logs',
  },
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof settings;

type Parsed<S> = S extends { type: ValueType<infer T> } ? (S extends { default: string } ? T : T | undefined) : never;

/** Every setting with its parsed value. */
export type SettingValues = { readonly [N in SettingName]: Parsed<(typeof settings)[N]> };
