/**
 * The container that serves a port of this machine, also one that is stopped: what a stopped one would publish only its
 * configuration tells, which is asked of those whose image is Ollama's.
 */
import { isObject, parseObject } from '../kernel/json.ts';
import { portIn } from './restart-port.ts';
import type { Command, CommandResult } from './run-command.ts';

/** More of them on one machine are not looked at. */
const maxContainers = 20;

type Run = (command: Command) => Promise<CommandResult>;

interface Container {
  readonly name: string;
  readonly runs: boolean;
  /** As `0.0.0.0:11434->11434/tcp, [::]:11434->11434/tcp`; empty for one that is stopped. */
  readonly ports: string;
}

export async function findContainer(
  { run }: { readonly run: Run },
  port: number,
): Promise<
  { readonly way: { readonly words: string; readonly command: Command }; readonly runs: boolean } | undefined
> {
  for (const file of ['docker', 'podman']) {
    const all = await list(file, run);
    const running = all.find(({ runs, ports }) => runs && publishes(ports, port));
    const serving = running === undefined ? await configuredFor({ file, run, all }, port) : [running];
    const found = serving.find(({ runs }) => runs) ?? serving[0];
    // Of several that are stopped nobody knows which one is meant.
    if (found === undefined || (!found.runs && serving.length > 1)) continue;
    const { name, runs } = found;
    return { way: { words: `${file} restart ${name}`, command: { file, args: ['restart', name] } }, runs };
  }
  return undefined;
}

async function list(file: string, run: Run): Promise<readonly Container[]> {
  const args = ['ps', '--all', '--format', '{{.Names}}\t{{.Image}}\t{{.State}}\t{{.Ports}}'];
  const { code, output } = await run({ file, args });
  if (code !== 0) return [];
  const rows = output.split('\n').map(line => line.split('\t'));
  return rows
    .filter(([name = '', image = '']) => image.includes('ollama') && /^\w[\w.-]*$/.test(name))
    .slice(0, maxContainers)
    .map(([name = '', , state, ports = '']) => ({ name, runs: state === 'running', ports }));
}

interface Candidates {
  readonly file: string;
  readonly run: Run;
  readonly all: readonly Container[];
}

async function configuredFor({ file, run, all }: Candidates, port: number): Promise<readonly Container[]> {
  if (all.length === 0) return [];
  const format = '{{.Name}}\t{{.HostConfig.NetworkMode}}\t{{json .HostConfig.PortBindings}}\t{{json .Config.Env}}';
  const { code, output } = await run({ file, args: ['inspect', '--format', format, ...all.map(({ name }) => name)] });
  if (code !== 0) return [];
  const rows = output.split('\n').map(line => line.split('\t'));
  const serving = new Set(rows.filter(row => serves(row, port)).map(([name = '']) => name.replace(/^\//, '')));
  return all.filter(({ name }) => serving.has(name));
}

/** @param row what `inspect` says of one */
function serves([, network, bindings = '', env = '']: readonly string[], port: number): boolean {
  if (network === 'host') return portIn(/"OLLAMA_HOST=([^"]*)"/.exec(env)?.[1]) === port;
  return Object.values(parseObject(bindings) ?? {})
    .flatMap(one => (Array.isArray(one) ? (one as readonly unknown[]) : []))
    .some(one => isObject(one) && one['HostPort'] === String(port));
}

function publishes(ports: string, port: number): boolean {
  return ports.split(', ').some(one => one.includes(`:${port}->`));
}
