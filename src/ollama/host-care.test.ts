import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { HostCare } from './host-care.ts';
import { UpstreamHost } from './upstream-host.ts';

/** @param answer what a server does with whoever comes */
async function careFor(t: TestContext, answer: (socket: Socket) => void): Promise<{ care: HostCare; server: Server }> {
  const server = createServer(socket => {
    socket.on('error', () => undefined);
    t.after(() => socket.destroy());
    answer(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const care = new HostCare(new UpstreamHost({ url, connectMs: 300, requestMs: 300, embedMs: 300, via: 'test' }));
  t.after(() => care.stop());
  t.after(() => void server.close());
  return { care, server };
}

const says = (text: string) => (socket: Socket) => {
  socket.once('data', () => socket.end(`HTTP/1.1 ${text}`));
};

test('what a look makes of a server: refused is only what cannot be dialled', async t => {
  const { care: well } = await careFor(t, says('200 OK\r\ncontent-length: 17\r\n\r\n{"version":"0.9"}'));
  assert.equal(await well.look(), 'answers');
  const { care: mute } = await careFor(t, () => undefined);
  assert.equal(await mute.look(), 'silent');
  const { care: rude } = await careFor(t, socket => socket.resetAndDestroy());
  assert.equal(await rude.look(), 'silent');
  const { care: web } = await careFor(t, says('404 Not Found\r\ncontent-length: 2\r\n\r\nno'));
  assert.equal(await web.look(), 'strange');
  const { care: page } = await careFor(t, says('200 OK\r\ncontent-length: 6\r\n\r\n<html>'));
  assert.equal(await page.look(), 'strange');
  const { care: other } = await careFor(t, says('no http at all'));
  assert.equal(await other.look(), 'strange');
  const { care: gone, server } = await careFor(t, () => undefined);
  server.close();
  await once(server, 'close');
  assert.equal(await gone.look(), 'refused');
});
