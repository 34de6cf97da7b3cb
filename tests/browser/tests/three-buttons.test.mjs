// Started in an empty folder: three buttons, sign-in, sign-out.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import {
  allow, assertSignedInAs, assertSignedOut, decline, pick, signIn, signOut, startSignIn,
} from '../lib/sign-in.mjs';

// A different person for each provider, because e-mail conflicts are another test.
const PEOPLE = { Google: 'Ada Lovelace', GitHub: 'Grace Hopper', Facebook: 'Noor Inayat Khan' };

describe('without any settings', () => {
  let app;
  let browser;
  before(async () => { [app, browser] = await Promise.all([startLatchkey(), launchChromium()]); });
  after(async () => { await browser?.close(); await app?.stop(); });

  for (const javaScriptEnabled of [true, false]) {
    for (const [label, name] of Object.entries(PEOPLE)) {
      const scripts = javaScriptEnabled ? 'with' : 'without';
      test(`${label} signs a user in and out, ${scripts} JavaScript`, async () => {
        const window = await openWindow(browser, { javaScriptEnabled });
        const { page, context } = window;
        await signIn(page, app, label, name);
        await assertSignedInAs(page, app, name);
        const cookieName = `latchkey_session_${new URL(app.origin).port}`;
        const all = await context.cookies(app.origin);
        const cookies = all.filter((one) => one.name === cookieName);
        assert.equal(cookies.length, 1);
        assert.equal(cookies[0].httpOnly, true);
        assert.equal(cookies[0].sameSite, 'Lax');
        assert.equal(cookies[0].path, '/');

        await signOut(page);
        await page.waitForURL(`${app.origin}/`);
        await assertSignedOut(page, app);
        // The session has ended on the server, too.
        await context.addCookies(cookies);
        await assertSignedOut(page, app);
        window.assertNoProblems();
      });
    }
  }

  test('after sign-in, the user returns to the page that required it', async () => {
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

  test('declining is not an error, and the user can try again at once', async () => {
    for (const [label, name] of Object.entries(PEOPLE)) {
      const window = await openWindow(browser);
      const { page } = window;
      await startSignIn(page, app, label);
      await decline(page);
      await page.waitForURL(`${app.origin}/auth/*/callback?*`);
      assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'You did not sign in');
      await page.getByRole('button', { name: `Try ${label} again` }).click();
      await pick(page, name);
      await allow(page);
      await page.waitForURL(`${app.origin}/account`);
      await assertSignedInAs(page, app, name);
      window.assertNoProblems();
      await window.context.close();
    }
  });

  test('a very long name fits on the account page', async () => {
    const window = await openWindow(browser, { viewport: { width: 390, height: 844 } });
    const { page } = window;
    await startSignIn(page, app, 'Google');
    await page.locator('#person-long').click();
    await allow(page);
    await page.waitForURL(`${app.origin}/account`);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `the page is ${overflow} pixels too wide`);
    window.assertNoProblems();
  });
});
