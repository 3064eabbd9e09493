/** The exit codes of every command, and the failure that carries one. */

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  preflight: 3,
  lockHeld: 4,
  needsHuman: 6,
  badConfiguration: 78,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A failure whose message is for the user: no stack is printed. */
export class CommandFailure extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.name = 'CommandFailure';
    this.exitCode = exitCode;
  }
}
