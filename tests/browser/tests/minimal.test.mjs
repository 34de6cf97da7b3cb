// The thirty-line example: one button, sign-in, sign-out.

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

const BINARY = fileURLToPath(new URL('../../../target/debug/minimal', import.meta.url));

test('the minimal example signs a user in and out', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'minimal-'));
  const [port, idpPort] = [await freePort(), await freePort()];
  const env = { PORT: String(port), LOCAL_IDP_PORT: String(idpPort) };
  const example = spawn(BINARY, { cwd: folder, env, stdio: 'inherit' });
  const exited = new Promise((resolve) => example.once('exit', resolve));
  const browser = await launchChromium();
  try {
    const origin = `http://localhost:${port}`;
    for (let attempt = 0; !(await fetch(origin).then((answer) => answer.ok, () => false)); attempt += 1) {
      assert.ok(attempt < 300 && example.exitCode === null, 'the example starts');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const window = await openWindow(browser);
    const { page } = window;
    const assertHeading = async (text) =>
      assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), text);
    await page.goto(origin);
    await assertHeading('Hello, stranger');
    await page.getByRole('button', { name: 'Sign in with GitHub' }).click();
    await page.waitForURL(`http://127.0.0.1:${idpPort}/github/**`);
    assert.ok((await page.locator('body').innerText()).includes('Minimal'), 'the provider names the example');
    await pick(page, 'Ada Lovelace');
    await allow(page);
    await page.waitForURL(`${origin}/`);
    await assertHeading('Hello, Ada Lovelace');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in with GitHub' }).waitFor();
    await assertHeading('Hello, stranger');
    window.assertNoProblems();
  } finally {
    await browser.close();
    example.kill('SIGTERM');
    await exited;
    await rm(folder, { recursive: true, force: true });
  }
});
