/** Bare Express 5: the reference for a route that needs no upstream. `node bench/express-server.ts` with PORT. */
import express from 'express';
import { upstreamVersion } from './answers.ts';

const app = express();
app.get('/api/version', (_req, res) => {
  res.json({ version: upstreamVersion });
});
app.listen(Number(process.env['PORT']), '127.0.0.1');
