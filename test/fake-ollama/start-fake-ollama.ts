/** A server that behaves as Ollama does, and misbehaves on demand. */
import { createControl, type FakeControl } from './control.ts';
import { answerControl, CONTROL_PREFIX } from './control-routes.ts';
import { dispatch } from './dispatch.ts';
import { FakeServer } from './fake-server.ts';
import { Listener } from './listener.ts';
import { DEFAULT_OPTIONS, type FakeOptions } from './options.ts';

export interface FakeOllama {
  readonly url: string;
  readonly port: number;
  readonly control: FakeControl;
  stop(): Promise<void>;
}

export async function startFakeOllama(options: Partial<FakeOptions> = {}): Promise<FakeOllama> {
  const server = new FakeServer({ ...DEFAULT_OPTIONS, ...options });
  const listener = new Listener(server, (request, response) => {
    const isControl = request.url?.startsWith(CONTROL_PREFIX) ?? false;
    const answered = isControl ? answerControl(control, request, response) : dispatch(server, request, response);
    // A fault with impossible parameters must not take the whole server down.
    answered.catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  const control = createControl(server, listener);
  await listener.accept();
  const { host, port } = server.options;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    control,
    stop: () => listener.stop(),
  };
}
