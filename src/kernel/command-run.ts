/** How every command ends: what its main throws becomes one message and an exit code; a reader that leaves is no accident. */
import { CommandFailure, exitCodes } from './exit-codes.ts';

type Speech = Pick<NodeJS.WritableStream, 'on'>;

/** A reader that has left, as `head` does, must not end a command halfway with a stack. */
export function onReaderGone(streams: readonly Speech[], then: () => void): void {
  for (const stream of streams) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      then();
    });
  }
}

/** @param tell takes the message of a failure; one that nobody foresaw has its stack */
export async function exitCodeOf(main: () => Promise<number>, tell: (message: string) => void): Promise<number> {
  try {
    return await main();
  } catch (error) {
    if (error instanceof CommandFailure) {
      tell(error.message);
      return error.exitCode;
    }
    tell(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return exitCodes.failed;
  }
}
