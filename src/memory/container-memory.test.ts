import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findContainerMemory } from './container-memory.ts';

const machine = 16 * 1024 ** 3;

function reader(files: Readonly<Record<string, string>>): (path: string) => string | undefined {
  return path => files[path];
}

test('page cache that can be taken back is no working set', () => {
  const read = findContainerMemory(
    reader({
      '/proc/self/cgroup': '0::/\n',
      '/sys/fs/cgroup/memory.max': '1000000\n',
      '/sys/fs/cgroup/memory.current': '900000\n',
      '/sys/fs/cgroup/memory.stat': 'anon 300000\nfile 600000\ninactive_file 500000\nactive_file 100000\n',
    }),
    machine,
  );
  assert.deepEqual(read?.(), { workingSetBytes: 400_000, limitBytes: 1_000_000 });
});

test('the tightest limit on the way up counts, with its own usage', () => {
  const read = findContainerMemory(
    reader({
      '/proc/self/cgroup': '0::/system.slice/deci.service\n',
      '/sys/fs/cgroup/system.slice/deci.service/memory.max': 'max\n',
      '/sys/fs/cgroup/system.slice/memory.max': '2000000\n',
      '/sys/fs/cgroup/system.slice/memory.current': '1500000\n',
    }),
    machine,
  );
  assert.deepEqual(read?.(), { workingSetBytes: 1_500_000, limitBytes: 2_000_000 });
});

test('without a limit, or with one above what the machine has, there is none', () => {
  assert.equal(findContainerMemory(reader({}), machine), undefined);
  const huge = reader({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': String(2 * machine) });
  assert.equal(findContainerMemory(huge, machine), undefined);
});
