/**
 * Every healer there is, as data: control runs them, workers tell of them, and docs/reference/healers.md lists them, so that
 * all three speak of the same.
 */
import type { HealerInfo } from './healer.ts';

const minuteMs = 60_000;

export const healerCatalogue = {
  'dead-leases': {
    name: 'dead-leases',
    repairs: 'Gives back what a process held when it died: slots, places in the queue, flights.',
    risk: 'None known: a process is known by its pid and the moment it began, so that no living one loses anything.',
    budget: { actions: 600, windowMs: 10 * minuteMs },
  },
  'hung-worker': {
    name: 'hung-worker',
    repairs:
      'Kills a worker that lives and has not answered on its own socket for 5 s, after a report of what it does, so that PM2 starts another.',
    risk: 'A worker that a person or a debugger has stopped is killed too, and what it was answering fails.',
    budget: { actions: 20, windowMs: 10 * minuteMs },
  },
  'replace-worker': {
    name: 'replace-worker',
    repairs:
      'Puts a new worker in the place of one that runs short of memory or leaks: the new one serves before the old one is told to leave.',
    risk: 'While the old one finishes there is one worker more, with its memory.',
    budget: { actions: 12, windowMs: 60 * minuteMs },
  },
  recycle: {
    name: 'recycle',
    repairs:
      'Puts new workers in the place of all, one after the other, each serving before the old one leaves: once a day at `RECYCLE_AT`, and when `deci recycle` asks for it.',
    risk: 'While an old one finishes there is one worker more, with its memory. Answers that take longer than `DRAIN_TIMEOUT` are ended with an error.',
    budget: { actions: 6, windowMs: 60 * minuteMs },
  },
  breaker: {
    name: 'breaker',
    repairs:
      'Leaves an Ollama server, or a model on it, alone while it fails, and tries it with single requests until it is well.',
    risk: 'Requests that would have succeeded are refused or sent to another server for at most `BREAKER_RESET`.',
    budget: { actions: 120, windowMs: 10 * minuteMs },
  },
  'shared-cache': {
    name: 'shared-cache',
    repairs:
      'Makes the shared cache of answers anew when its file is damaged, makes room in a full one, and leaves one alone that fails or is slow.',
    risk: 'What was recorded is generated again. Switched off, a damaged cache stays unused, and a full one takes nothing new.',
    budget: { actions: 30, windowMs: 10 * minuteMs },
  },
  'ollama-reload': {
    name: 'ollama-reload',
    repairs:
      'Loads a model anew that is in the memory of an Ollama server and generates nothing, while its breaker is open for that.',
    risk: 'A server that only works for others for longer than 8 s loads its model once more. Requests that it works on are not ended.',
    budget: { actions: 4, windowMs: 60 * minuteMs },
  },
  'ollama-pull': {
    name: 'ollama-pull',
    repairs:
      'Pulls a model again of whose file Ollama says, to the requests for it, that it is damaged or missing. Where that is not enough, the model is deleted and pulled until it is back, beyond the budget too.',
    risk: 'A model that was made by hand under a name that the registry has too is replaced by that of the registry. One that was deleted is away until the registry can be reached; switched off in between, it stays away.',
    budget: { actions: 2, windowMs: 60 * minuteMs },
  },
  'ollama-restart': {
    name: 'ollama-restart',
    repairs:
      'Restarts an Ollama server on this machine with `OLLAMA_RESTART_COMMAND` when it cannot be dialled or does not answer for 10 s, or generates nothing after its model was loaded anew; not while it gives tokens to anyone.',
    risk: 'A server that was stopped on purpose is started again: switch this off meanwhile, or set `OLLAMA_RESTART_COMMAND=off`.',
    budget: { actions: 4, windowMs: 60 * minuteMs },
  },
  'memory-guard': {
    name: 'memory-guard',
    repairs:
      'Keeps a worker from running out of memory: collects garbage early, shrinks its cache, refuses new work, and ends the most expensive answers. A worker that this does not help asks to be replaced.',
    risk: 'Work that would just have fitted is refused for some seconds. A collection stops the worker for up to 0.4 s. Switched off, a worker that runs out of memory dies, and its requests with it.',
    budget: { actions: 240, windowMs: 10 * minuteMs },
  },
  'crash-budget': {
    name: 'crash-budget',
    repairs:
      'Ends crash loops: workers that were started again `CRASH_BUDGET` times within ten minutes are stopped, and one is tried every `CRASH_PROBE_INTERVAL`, until it stays. A worker that serves is left alone.',
    risk: 'A fault of the machine may look like one of the release; then a worker fewer serves for some minutes longer. Switched off, PM2 goes on starting them every 15 s, or gives up for good.',
    budget: { actions: 6, windowMs: 60 * minuteMs },
  },
  orphans: {
    name: 'orphans',
    repairs:
      'Ends workers that PM2 has lost from its list: they finish what they answer, for `DRAIN_TIMEOUT` at most, and are killed then.',
    risk: 'A worker that somebody has started by hand in the same run folder is ended too.',
    budget: { actions: 20, windowMs: 10 * minuteMs },
  },
  'log-fallback': {
    name: 'log-fallback',
    repairs:
      'Lets the lines of the log go to `LOG_DIR_FALLBACK`, to a private temporary folder, or wait in memory, while `LOG_DIR` does not take them, and brings them back when it does.',
    risk: 'The log of that time is in another folder. Switched off, its lines are lost.',
    budget: { actions: 60, windowMs: 10 * minuteMs },
  },
  'load-shed': {
    name: 'load-shed',
    repairs:
      'Keeps workers that have more to do than they have time for answering: optional work stops, then `background`, `batch` and last `interactive` requests are refused with 503.',
    risk: 'Requests that would have been answered late are refused. Switched off, all of them become slow together.',
    budget: { actions: 60, windowMs: 10 * minuteMs },
  },
} as const satisfies Record<string, HealerInfo>;
