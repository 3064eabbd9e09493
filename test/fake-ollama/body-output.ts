/** Writing an answer byte by byte under back-pressure, and the ways to break off. */
import type { ServerResponse } from 'node:http';

export interface BodyOutput {
  /** False when the client is gone. Resolves when the bytes left for the kernel or the buffer has room. */
  write(bytes: string | Uint8Array): Promise<boolean>;
  /** Clean end of the body. */
  end(): void;
  /** The connection breaks: FIN without the end of the body, or RST. */
  cut(withReset: boolean): void;
  /** Resolves when the client has gone away. */
  closed(): Promise<void>;
}

export function bodyOutput(response: ServerResponse, onCut: () => void): BodyOutput {
  return {
    write: bytes =>
      new Promise<boolean>(resolve => {
        if (response.destroyed) return resolve(false);
        const gone = () => resolve(false);
        response.once('close', gone);
        response.write(bytes, error => {
          response.off('close', gone);
          resolve(!error);
        });
      }),
    end: () => response.end(),
    cut: withReset => {
      onCut();
      if (withReset) response.socket?.resetAndDestroy();
      else response.socket?.destroy();
    },
    closed: () =>
      new Promise<void>(resolve => {
        if (response.destroyed) resolve();
        else response.once('close', () => resolve());
      }),
  };
}
