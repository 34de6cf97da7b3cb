// The example of thirty lines: one button, sign-in, sign-out.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { freePort } from '../lib/latchkey.mjs';
import { allow, pick } from '../lib/sign-in.mjs';

const BUILT = fileURLToPath(new URL('../../../target/debug/minimal', import.meta.url));

test('the minimal example signs Ada in and out', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'minimal-'));
  const [port, idpPort] = [await freePort(), await freePort()];
  const env = { PORT: String(port), LOCAL_IDP_PORT: String(idpPort) };
  const example = spawn(BUILT, { cwd: folder, env, stdio: 'inherit' });
  const ended = new Promise((resolve) => example.once('exit', resolve));
  const browser = await launchChromium();
  try {
    const origin = `http://localhost:${port}`;
    for (let attempt = 0; !(await fetch(origin).then((answer) => answer.ok, () => false)); attempt += 1) {
      assert.ok(attempt < 300 && example.exitCode === null, 'it starts');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const window = await openWindow(browser);
    const { page } = window;
    const says = async (text) => assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), text);
    await page.goto(origin);
    await says('Hello, stranger');
    await page.getByRole('button', { name: 'Sign in with GitHub' }).click();
    await page.waitForURL(`http://127.0.0.1:${idpPort}/github/**`);
    assert.ok((await page.locator('body').innerText()).includes('Minimal'), 'it is called by its own name');
    await pick(page, 'Ada Lovelace');
    await allow(page);
    await page.waitForURL(`${origin}/`);
    await says('Hello, Ada Lovelace');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in with GitHub' }).waitFor();
    await says('Hello, stranger');
    window.assertNoProblems();
  } finally {
    await browser.close();
    example.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  }
});
