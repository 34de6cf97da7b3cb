// Starts the Latchkey binary in an empty folder with default settings, except for the ports.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DEBUG_BINARY = fileURLToPath(new URL('../../../target/debug/latchkey', import.meta.url));
export const program = process.env.LATCHKEY_BIN ?? DEBUG_BINARY;

/** A free port outside the range for outgoing connections. */
export async function freePort() {
  const server = createServer();
  const port = 20000 + Math.floor(Math.random() * 6000);
  const isFree = await new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
  return isFree ? port : freePort();
}

/** Starts it; `variables` may be a function of the origin. */
export async function startLatchkey(variables = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-browser-'));
  const [port, idpPort] = [await freePort(), await freePort()];
  const origin = `http://localhost:${port}`;
  const more = typeof variables === 'function' ? await variables(origin) : variables;
  const env = { PORT: String(port), LOCAL_IDP_PORT: String(idpPort), RUST_LOG: 'warn', ...more };
  const child = spawn(program, { cwd: folder, env });
  let log = '';
  child.stdout.on('data', (text) => { log += text; });
  child.stderr.on('data', (text) => { log += text; });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await waitUntilReady(`${origin}/readyz`, child);
  } catch (error) {
    await stop();
    throw new Error(`latchkey did not start: ${error.message}\n${log}`);
  }
  return { origin, idp: `http://127.0.0.1:${idpPort}`, folder, stop, log: () => log };
}

async function waitUntilReady(url, child) {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`it exited with ${child.exitCode}`);
    const ok = await fetch(url).then((answer) => answer.ok, () => false);
    if (ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} did not answer within 30 seconds`);
}
