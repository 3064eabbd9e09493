/** Before the watchdog of the boot, so that what took too long is told by its name. */
export function startMs(bootMs: number): number {
  return Math.max(bootMs * 0.8, bootMs - 1000);
}
