// The inspector, with and without JavaScript.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import { press } from '../lib/sign-in.mjs';

const PASSWORD = 'a lantern under the stairs';
const FORM = 'application/x-www-form-urlencoded';
const LOG_TIMEOUT_MS = 45_000;

describe('the inspector', () => {
  let app;
  let browser;
  let token;
  const post = (path, type, body) =>
    fetch(app.origin + path, { method: 'POST', headers: { 'content-type': type }, body, redirect: 'manual' });
  before(async () => {
    [app, browser] = await Promise.all([startLatchkey({ RUST_LOG: 'debug' }), launchChromium()]);
    const fields = new URLSearchParams({ name: 'Ada', email: 'ada@example.test', password: PASSWORD });
    await post('/sign-up', FORM, fields);
    const answer = await post('/api/v1/token', 'application/json',
      JSON.stringify({ email: 'ada@example.test', password: PASSWORD }));
    token = (await answer.json()).access_token;
  });
  after(async () => { await browser?.close(); await app?.stop(); });

  const inspect = (page) => press(page, page.getByRole('button', { name: 'Inspect', exact: true }));
  const verdicts = (page) => page.locator('.lamp .verdict').allInnerTexts();

  for (const javaScriptEnabled of [true, false]) {
    const scripts = javaScriptEnabled ? 'with' : 'without';
    test(`checks valid, forged and truncated tokens, ${scripts} JavaScript`, async () => {
      const { page, context, assertNoProblems } = await openWindow(browser, { javaScriptEnabled });
      await page.goto(`${app.origin}/inspector`);
      await page.getByLabel('Token', { exact: true }).fill(`Authorization: Bearer ${token}\n`);
      await inspect(page);
      assert.deepEqual(await verdicts(page), ['Yes', 'Yes', 'Yes']);
      assert.equal(page.url(), `${app.origin}/inspector`, 'the token is not in the URL');
      await page.getByText('ada@example.test', { exact: true }).waitFor();

      // With other claims: decoded, but invalid.
      const [header, , signature] = token.split('.');
      const forged = `${header}.${Buffer.from('{"sub":"mallory","exp":1}').toString('base64url')}.${signature}`;
      await page.getByLabel('Token', { exact: true }).fill(forged);
      await inspect(page);
      assert.deepEqual(await verdicts(page), ['Yes', 'No', 'No']);

      // Truncated.
      await page.getByLabel('Token', { exact: true }).fill(token.slice(0, 300));
      await inspect(page);
      assert.equal((await verdicts(page))[0], 'No');
      await page.getByText('Only part of it can be read').waitFor();

      // With the user's own key.
      const jwks = await (await fetch(`${app.origin}/.well-known/jwks.json`)).text();
      await page.getByLabel('Token', { exact: true }).fill(token);
      await page.locator('input[type=radio][name=by][value=key]').check();
      await page.getByLabel('Public key', { exact: true }).fill(jwks);
      await inspect(page);
      assert.deepEqual(await verdicts(page), ['Yes', 'Yes', 'Yes']);
      await page.getByText('that you gave').waitFor();
      assertNoProblems();
      await context.close();
    });
  }

  test('no part of a token is logged', async () => {
    const logged = () => app.log().split(/method=POST route=\/inspector\}: answered/).length - 1;
    const earlier = logged();
    const parts = token.split('.');
    // Valid, with a wrong signature, and incomplete.
    const tokens = [token, `${token}AAAA`, parts.slice(0, 2).join('.')];
    for (const one of tokens) {
      const response = await post('/inspector', FORM, new URLSearchParams({ token: one }));
      assert.equal(response.status, 200);
      assert.ok((await response.text()).includes('ada@example.test'), 'the claims are shown');
    }
    // The log may arrive later than the response.
    for (const end = Date.now() + LOG_TIMEOUT_MS; logged() < earlier + tokens.length;) {
      assert.ok(Date.now() < end, 'each request is logged');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    for (const part of parts) assert.ok(!app.log().includes(part), part);
  });

  test('keyboard alone: enter a token and inspect it', async () => {
    const { page, context, assertNoProblems } = await openWindow(browser);
    await page.goto(`${app.origin}/inspector`);
    const field = page.getByLabel('Token', { exact: true });
    for (let press = 0; press < 40; press += 1) {
      if (await field.evaluate((one) => one === document.activeElement)) break;
      await page.keyboard.press('Tab');
    }
    await page.keyboard.insertText(token);
    const button = page.getByRole('button', { name: 'Inspect', exact: true });
    for (let press = 0; press < 20; press += 1) {
      if (await button.evaluate((one) => one === document.activeElement)) break;
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await page.locator('.lamps').waitFor();
    assert.deepEqual(await verdicts(page), ['Yes', 'Yes', 'Yes']);
    assertNoProblems();
    await context.close();
  });
});
