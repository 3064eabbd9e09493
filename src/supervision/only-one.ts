/**
 * A turn that one at a time has: in this process whatever becomes of the shared store, and beside another process (a predecessor
 * that takes long to stop) as far as the store can say.
 */
type GiveBack = () => void;

/** @param take undefined while another process has it */
export function onlyOne(take: () => GiveBack | undefined): () => GiveBack | undefined {
  let isTaken = false;
  return () => {
    if (isTaken) return undefined;
    const giveBack = take();
    if (giveBack === undefined) return undefined;
    isTaken = true;
    let isGivenBack = false;
    return () => {
      // Once: by then another one may have it.
      if (isGivenBack) return;
      isGivenBack = true;
      isTaken = false;
      giveBack();
    };
  };
}
