/**
 * A leak for the process that imports this (`node --import`): 20 MB of objects a second once SIGUSR2 has come. Only a test that
 * starts the process itself can bring it in.
 */
const held: unknown[] = [];

process.on('SIGUSR2', () => {
  setInterval(() => {
    // About 100 bytes each, with its number and its list.
    for (let index = 0; index < 20_000; index++) held.push({ index: index + 0.5, list: [index] });
  }, 100);
});
