/** Where the lines of a process's log go, told: wired for workers and control alike. */
import type { Config } from '../config/config.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import { Journal } from '../journal/journal.ts';
import { SortableIds } from '../kernel/sortable-id.ts';
import type { Spine } from './create-spine.ts';
import { HealerLicence } from './healer-licence.ts';
import { LogTeller } from './log-teller.ts';
import { heldEpisode } from './shared-episode.ts';

export function createLogTeller(config: Config, spine: Spine): LogTeller {
  const { log, events, leases } = spine;
  const info = healerCatalogue['log-fallback'];
  const ids = new SortableIds({ now: Date.now, random: Math.random });
  const journal = new Journal({ store: spine.journal, now: () => new Date(), newId: () => ids.next(), log });
  return new LogTeller({
    info,
    // Until anybody knows the settings, too: lines that are lost tell nobody why.
    licence: new HealerLicence({
      info,
      journal,
      modeOf: name => spine.healerModes.of(name, 'on'),
      nowMs: Date.now,
    }),
    journal,
    events,
    log,
    episode: heldEpisode(leases, 'log-fallback'),
    dir: config.places.logDir,
    clock: () => performance.now(),
    random: Math.random,
    onFailure: error => log.warn('looking after the log failed', { cause: String(error) }),
  });
}
