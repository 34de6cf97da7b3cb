// The inspector, with and without JavaScript.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import { press } from '../lib/sign-in.mjs';

const PASSWORD = 'a lantern under the stairs';

describe('the inspector', () => {
  let app;
  let browser;
  let token;
  before(async () => {
    [app, browser] = await Promise.all([startLatchkey({ RUST_LOG: 'debug' }), launchChromium()]);
    const post = (path, type, body) =>
      fetch(app.origin + path, { method: 'POST', headers: { 'content-type': type }, body, redirect: 'manual' });
    const fields = new URLSearchParams({ name: 'Ada', email: 'ada@example.test', password: PASSWORD });
    await post('/sign-up', 'application/x-www-form-urlencoded', fields);
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

  test('no part of a token is logged', () => {
    assert.ok(app.log().includes('answered'), 'requests are logged');
    for (const part of token.split('.')) assert.ok(!app.log().includes(part), part);
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
