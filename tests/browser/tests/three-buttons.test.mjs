// From an empty folder: three buttons, sign-in, sign-out.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import {
  allow, assertSignedInAs, assertSignedOut, decline, pick, setOut, signIn, signOut,
} from '../lib/sign-in.mjs';

describe('in a fresh folder', () => {
  let app;
  let browser;
  before(async () => { [app, browser] = await Promise.all([startLatchkey(), launchChromium()]); });
  after(async () => { await browser?.close(); await app?.stop(); });

  for (const javaScriptEnabled of [true, false]) {
    for (const label of ['Google', 'GitHub', 'Facebook']) {
      test(`${label} signs Ada in and out, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async () => {
        const window = await openWindow(browser, { javaScriptEnabled });
        const { page, context } = window;
        // A new person for each provider: e-mail conflicts are another test.
        const name = { Google: 'Ada Lovelace', GitHub: 'Grace Hopper', Facebook: 'Noor Inayat Khan' }[label];
        await signIn(page, app, label, name);
        await assertSignedInAs(page, app, name);
        const carried = (await context.cookies(app.origin)).filter((one) => one.name === `latchkey_session_${new URL(app.origin).port}`);
        assert.equal(carried.length, 1);
        assert.equal(carried[0].httpOnly, true);
        assert.equal(carried[0].sameSite, 'Lax');
        assert.equal(carried[0].path, '/');

        await signOut(page);
        await page.waitForURL(`${app.origin}/`);
        await assertSignedOut(page, app);
        // The session has ended on the server, too.
        await context.addCookies(carried);
        await assertSignedOut(page, app);
        window.assertNoProblems();
      });
    }
  }

  test('the sign-in page leads back to where one wanted to go', async () => {
    const window = await openWindow(browser);
    const { page } = window;
    await page.goto(`${app.origin}/account?from=bookmark`);
    await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Continue with Google' }).click();
    await pick(page, 'Alan Turing');
    await allow(page);
    await page.waitForURL(`${app.origin}/account?from=bookmark`);
    window.assertNoProblems();
  });

  test('Decline is no error, and trying again works at once', async () => {
    for (const label of ['Google', 'GitHub', 'Facebook']) {
      const window = await openWindow(browser);
      const { page } = window;
      await setOut(page, app, label);
      await decline(page);
      await page.waitForURL(`${app.origin}/auth/*/callback?*`);
      assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'You did not sign in');
      await page.getByRole('button', { name: `Try ${label} again` }).click();
      await pick(page, 'Octavia Hill');
      await allow(page);
      await page.waitForURL((url) => url.origin === app.origin);
      window.assertNoProblems();
      await window.context.close();
    }
  });

  test('a very long name breaks no page', async () => {
    const window = await openWindow(browser, { viewport: { width: 390, height: 844 } });
    const { page } = window;
    await setOut(page, app, 'Google');
    await page.locator('#person-long').click();
    await allow(page);
    await page.waitForURL(`${app.origin}/account`);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `the page is ${overflow} pixels too wide`);
    window.assertNoProblems();
  });
});
