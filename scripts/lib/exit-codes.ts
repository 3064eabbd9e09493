/** The exit codes and the failure of every command, by the name that scripts use. */
export { CommandFailure as ScriptFailure, exitCodes } from '../../src/kernel/exit-codes.ts';
