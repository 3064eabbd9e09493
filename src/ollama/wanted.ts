/** What a request wants of the hosts. */

/** What a host is chosen by. */
export interface Wanted {
  readonly model: string;
  readonly body: Buffer | string;
  /** Names of the hosts that may be asked; all of them when absent. */
  readonly hosts?: readonly string[] | undefined;
  /** It need not wait for the host that loads the model: that one was asked already. */
  readonly mayLoadElsewhere?: boolean | undefined;
}

export function isOutOfQuestion(
  { name }: { readonly name: string },
  wanted: Wanted | undefined,
  tried: readonly string[] | undefined,
): boolean {
  return tried?.includes(name) === true || wanted?.hosts?.includes(name) === false;
}
