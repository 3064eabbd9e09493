/** Writing and removing `run/state.json`; a reader sees the old file or the new one, never half of one. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { crashCountPath, quarantinePath, type RunState, runStatePath } from '../../src/config/run-state.ts';

export function writeRunState(runDir: string, state: RunState): void {
  const path = runStatePath(runDir);
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

export function removeRunState(runDir: string): void {
  rmSync(runStatePath(runDir), { force: true });
}

/** Whoever starts by hand has looked: what crashed before is forgotten. */
export function forgetCrashes(runDir: string): void {
  for (const path of [crashCountPath(runDir), quarantinePath(runDir)]) rmSync(path, { force: true });
}
