/** Bare Express 5: the reference for answers that need no upstream. `node bench/express-server.ts` with PORT. */
import express from 'express';
import { chatJson, upstreamVersion } from './answers.ts';

const app = express();
app.get('/api/version', (_req, res) => {
  res.json({ version: upstreamVersion });
});
const chat: unknown = JSON.parse(chatJson.toString());
app.post('/api/chat', express.json(), (_req, res) => {
  res.json(chat);
});
app.listen(Number(process.env['PORT']), '127.0.0.1');
