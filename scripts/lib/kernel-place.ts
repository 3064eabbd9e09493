/** Folders that only the kernel makes: asked for their rights they seem to let the superuser write. */
import { statfsSync } from 'node:fs';
import { nearestExisting } from './nearest-existing.ts';

/** The types of proc, sysfs, cgroup and cgroup2, as Linux numbers them. */
const kernelTypes = new Set([0x9fa0, 0x62656572, 0x27e0eb, 0x63677270]);

/** @param path need not exist */
export function isKernelPlace(path: string): boolean {
  if (process.platform !== 'linux') return false;
  try {
    return kernelTypes.has(statfsSync(nearestExisting(path)).type);
  } catch {
    return false;
  }
}
