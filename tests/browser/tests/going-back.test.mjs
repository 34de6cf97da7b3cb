// Two tabs, Back, reload and another browser during a sign-in.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import {
  allow, assertSignedInAs, assertSignedOut, pick, signIn, signOut, startSignIn,
} from '../lib/sign-in.mjs';

describe('sign-in with two tabs, Back, reload and another browser', () => {
  let app;
  let browser;
  before(async () => { [app, browser] = await Promise.all([startLatchkey(), launchChromium()]); });
  after(async () => { await browser?.close(); await app?.stop(); });

  /** Clicks Allow, and returns the callback URL. */
  async function allowAndGetCallback(page) {
    const callback = page.waitForRequest((request) => request.url().includes('/callback?'));
    await allow(page);
    const url = (await callback).url();
    await page.waitForURL(`${app.origin}/account`);
    return url;
  }

  test('two tabs can sign in at the same time', async () => {
    const window = await openWindow(browser);
    const [one, two] = [window.page, await window.context.newPage()];
    await startSignIn(one, app, 'Google');
    await startSignIn(two, app, 'Google');
    for (const page of [one, two]) {
      await pick(page, 'Ada Lovelace');
      await allow(page);
      await page.waitForURL(`${app.origin}/account`);
    }
    await assertSignedInAs(one, app, 'Ada Lovelace');
    window.assertNoProblems();
  });

  test('code and state stay out of the address bar and the history', async () => {
    const window = await openWindow(browser);
    const { page } = window;
    await signIn(page, app, 'Google', 'Ada Lovelace');
    assert.equal(page.url(), `${app.origin}/account`);
    await page.goBack();
    assert.ok(!page.url().includes('/callback'), page.url());
    window.assertNoProblems();
  });

  test('going back to the provider and allowing again leads to the account', async () => {
    const window = await openWindow(browser);
    const { page } = window;
    await signIn(page, app, 'Google', 'Ada Lovelace');
    await page.goBack({ waitUntil: 'load' });
    assert.ok(page.url().startsWith(app.idp), page.url());
    await pick(page, 'Ada Lovelace');
    await allow(page);
    // The attempt is complete, and this browser is signed in.
    await page.waitForURL(`${app.origin}/account`);
    window.assertNoProblems();
  });

  test('the callback URL can be reopened until another user signs in', async () => {
    const window = await openWindow(browser);
    const { page } = window;
    await startSignIn(page, app, 'Google');
    await pick(page, 'Ada Lovelace');
    const callback = await allowAndGetCallback(page);
    await page.goto(callback);
    assert.equal(page.url(), `${app.origin}/account`);
    await assertSignedInAs(page, app, 'Ada Lovelace');
    await signOut(page);
    await signIn(page, app, 'GitHub', 'Grace Hopper');
    for (const open of [() => page.goto(callback), () => page.reload()]) {
      const answer = await open();
      assert.equal(answer.status(), 400);
      assert.equal(answer.headers()['x-error-code'], 'attempt_used');
    }
    await assertSignedInAs(page, app, 'Grace Hopper');
    window.assertNoProblems();
  });

  test('the callback URL does not work in another browser', async () => {
    const mine = await openWindow(browser);
    const theirs = await openWindow(browser, { userAgent: 'Another/1.0' });
    await startSignIn(mine.page, app, 'Google');
    await pick(mine.page, 'Ada Lovelace');
    const callback = await allowAndGetCallback(mine.page);
    const answer = await theirs.page.goto(callback);
    assert.equal(answer.status(), 400);
    assert.equal(answer.headers()['x-error-code'], 'attempt_other_browser');
    await assertSignedOut(theirs.page, app);
    for (const window of [mine, theirs]) window.assertNoProblems();
  });

  test('another site can neither sign the user out nor start a sign-in', async () => {
    const window = await openWindow(browser);
    const { page } = window;
    await signIn(page, app, 'Google', 'Ada Lovelace');
    for (const path of ['/sign-out', '/auth/google']) {
      // The local provider's origin is another site; its page is replaced by an attacker's.
      await page.route(`${app.idp}/attack`, (route) => route.fulfill({
        contentType: 'text/html',
        body: `<form method="post" action="${app.origin}${path}"><button>Win a prize</button></form>`,
      }));
      await page.goto(`${app.idp}/attack`);
      const answer = page.waitForResponse((response) => response.url() === app.origin + path);
      await page.getByRole('button', { name: 'Win a prize' }).click();
      assert.equal((await answer).status(), 403);
      assert.equal((await answer).headers()['x-error-code'], 'cross_site_request');
      await page.unroute(`${app.idp}/attack`);
    }
    await assertSignedInAs(page, app, 'Ada Lovelace');
  });

  test('Back does not show the account page after signing out', async () => {
    const window = await openWindow(browser);
    const { page } = window;
    await signIn(page, app, 'Google', 'Ada Lovelace');
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.waitForURL(`${app.origin}/`);
    const answer = await page.goBack();
    assert.equal(answer?.status(), 401);
    window.assertNoProblems();
  });
});
