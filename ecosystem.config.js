/** PM2's process file: `pm2 start ecosystem.config.js`. What it says is worked out, and tested, in src/config/ecosystem.ts. */
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';

function leave(message, code) {
  writeSync(2, `${message}\n`);
  process.exit(code);
}

if (Number(process.versions.node.split('.')[0]) < 24) {
  leave(
    `Deci needs Node 24 or newer and this PM2 runs on ${process.versions.node}: use "npm start", which brings its own, or install Node 24 and run "pm2 update".`,
    78,
  );
}

function load() {
  try {
    // Not a static import: an older Node could not read the file, and would say so instead of the sentence above.
    return createRequire(import.meta.url)('./src/config/load-ecosystem.ts').loadEcosystem();
  } catch (error) {
    return leave(error.message, error.name === 'ConfigError' ? 78 : (error.exitCode ?? 3));
  }
}

export const apps = load();
