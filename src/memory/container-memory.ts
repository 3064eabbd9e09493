/**
 * What the control group of this process uses and may use (Linux cgroup v2). What the kernel can take back at once, files that
 * nobody has used lately, is no working set. Source: kernel documentation, cgroup-v2, memory interface files.
 */

export interface ContainerMemory {
  readonly workingSetBytes: number;
  readonly limitBytes: number;
}

/** @returns undefined where the file is not there */
export type ReadText = (path: string) => string | undefined;

const root = '/sys/fs/cgroup';

/**
 * Looks for the tightest limit from the group of this process upwards, once.
 * @returns what reads the usage; undefined where nothing bounds it below what the machine has
 */
export function findContainerMemory(
  read: ReadText,
  machineBytes: number,
): (() => ContainerMemory | undefined) | undefined {
  const own = /^0::(\/.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1] ?? '/';
  let tightest: { readonly dir: string; readonly limitBytes: number } | undefined;
  for (const dir of upwards(own)) {
    const limitBytes = Number(read(`${dir}/memory.max`)?.trim() ?? Number.NaN);
    const isLimit = limitBytes > 0 && limitBytes < machineBytes;
    if (isLimit && (tightest === undefined || limitBytes < tightest.limitBytes)) tightest = { dir, limitBytes };
  }
  if (tightest === undefined) return undefined;
  const { dir, limitBytes } = tightest;
  return () => {
    const current = Number(read(`${dir}/memory.current`)?.trim() ?? Number.NaN);
    const inactive = Number(/^inactive_file (\d+)$/m.exec(read(`${dir}/memory.stat`) ?? '')?.[1] ?? 0);
    return current >= 0 ? { workingSetBytes: Math.max(0, current - inactive), limitBytes } : undefined;
  };
}

function upwards(group: string): string[] {
  const parts = group.split('/').filter(part => part !== '');
  return Array.from({ length: parts.length + 1 }, (_, length) =>
    [root, ...parts.slice(0, parts.length - length)].join('/'),
  );
}
