/** The port that an Ollama server listens on. @param host Ollama's own variable: a port, an address, or both; absent: its own */
const ownPort = 11_434;

export function portIn(host: string | undefined): number {
  return Number(/:(\d+)\/?"?$/.exec(host ?? '')?.[1] ?? ownPort);
}
