// The account page: linking, an e-mail conflict, unlinking, the last sign-in method, sessions
// in other browsers, a forgotten password, deletion.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import {
  allow, assertSignedInAs, assertSignedOut, pick, press, signIn, signOut, startSignIn,
} from '../lib/sign-in.mjs';

const PASSWORD = 'a lantern under the stairs';
const NEW_PASSWORD = 'seven herons over the weir';

const detail = (page, term) =>
  page.locator('dt', { hasText: term }).locator('xpath=following-sibling::dd').innerText();
const errorCode = async (page) => (await detail(page, /^Code$/)).trim();
const accountId = async (page, app) => {
  await page.goto(`${app.origin}/account`);
  return detail(page, /^ID$/);
};

/** Clicks "Link", and consents as this person. */
async function link(page, app, label, name) {
  await page.goto(`${app.origin}/account`);
  await page.getByRole('button', { name: `Link ${label}`, exact: true }).click();
  await page.waitForURL(`${app.idp}/**`);
  await pick(page, name);
  await allow(page);
  await page.waitForURL((url) => url.origin === app.origin);
}

async function unlink(page, app, label) {
  await page.goto(`${app.origin}/account`);
  await press(page, page.getByRole('button', { name: `Unlink ${label}`, exact: true }));
}

async function signUp(page, app, name, email) {
  await page.goto(`${app.origin}/sign-up`);
  await page.locator('#name').fill(name);
  await page.locator('#email').fill(email);
  await page.locator('#password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.waitForURL(/\/sign-in\?/);
}

/** Submits the password form of the current page. */
async function submitPassword(page, email, password) {
  const form = page.locator('form[action="/sign-in"]');
  await form.locator('input[name=email]').fill(email);
  await form.locator('input[name=password]').fill(password);
  await form.locator('button').click();
}

async function signInWithPassword(page, app, email, password, credential) {
  await page.goto(`${app.origin}/sign-in`);
  const choices = page.getByRole('navigation', { name: 'carry' });
  if (credential) await choices.getByRole('link', { name: credential }).click();
  await submitPassword(page, email, password);
  await page.waitForURL(`${app.origin}/account`);
}

for (const javaScriptEnabled of [true, false]) {
  describe(`account page, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, () => {
    let app;
    let browser;
    // Each test starts its own Latchkey, because they share the same personas.
    const testWithApp = (name, body) => test(name, async () => {
      app = await startLatchkey();
      const windows = [];
      const open = async () => {
        const window = await openWindow(browser, { javaScriptEnabled });
        windows.push(window);
        return window.page;
      };
      try {
        await body(open);
        for (const window of windows) window.assertNoProblems();
      } finally {
        for (const window of windows) await window.context.close();
        await app.stop();
      }
    });
    before(async () => { browser = await launchChromium(); });
    after(async () => { await browser?.close(); });

    testWithApp('links a second provider, unless it belongs to another account', async (open) => {
      const page = await open();
      await signIn(page, app, 'Google', 'Ada Lovelace');
      const id = await accountId(page, app);
      await link(page, app, 'GitHub', 'Ada Lovelace');
      assert.match(page.url(), /\/account\?done=linked$/);
      assert.ok(await page.getByText('Linked. You can now sign in with it.').isVisible());
      const otherBrowser = await open();
      await signIn(otherBrowser, app, 'GitHub', 'Ada Lovelace');
      assert.equal(await accountId(otherBrowser, app), id);
      // An identity of another account is refused.
      const noor = await open();
      await signIn(noor, app, 'Facebook', 'Noor Inayat Khan');
      await link(noor, app, 'GitHub', 'Ada Lovelace');
      assert.equal(await errorCode(noor), 'identity_taken');
      await assertSignedInAs(noor, app, 'Noor Inayat Khan');
    });

    testWithApp('a known e-mail at a new provider: sign in as before, then link', async (open) => {
      const page = await open();
      await signIn(page, app, 'Google', 'Ada Lovelace');
      const id = await accountId(page, app);
      const other = await open();
      await startSignIn(other, app, 'GitHub');
      await pick(other, 'Ada’s Twin');
      await allow(other);
      await other.waitForURL(`${app.origin}/auth/github/callback?*`);
      assert.equal(await errorCode(other), 'email_taken');
      await other.getByRole('link', { name: 'Sign in as before and link GitHub' }).click();
      await other.getByRole('button', { name: 'Continue with Google' }).click();
      await pick(other, 'Ada Lovelace');
      await allow(other);
      await other.waitForURL(`${app.origin}/account/link`);
      await other.getByRole('button', { name: 'Link GitHub' }).click();
      await other.waitForURL(`${app.origin}/account?done=linked`);
      assert.equal(await accountId(other, app), id);
      await signOut(other);
      await signIn(other, app, 'GitHub', 'Ada’s Twin');
      assert.equal(await accountId(other, app), id);
    });

    testWithApp('unlinks a provider, but never the last sign-in method', async (open) => {
      const page = await open();
      await signIn(page, app, 'Google', 'Noor Inayat Khan');
      await unlink(page, app, 'Google');
      assert.equal(await errorCode(page), 'last_way_in');
      await page.getByRole('link', { name: 'Back to your account' }).click();
      await page.waitForURL(`${app.origin}/account`);
      await link(page, app, 'Facebook', 'Noor Inayat Khan');
      await unlink(page, app, 'Google');
      assert.match(page.url(), /\/account\?done=unlinked$/);
      assert.ok(await page.getByRole('button', { name: 'Link Google', exact: true }).isVisible());
      await unlink(page, app, 'Facebook');
      assert.equal(await errorCode(page), 'last_way_in');
    });

    testWithApp('revokes the session of another browser, then all sessions', async (open) => {
      const [mine, other] = [await open(), await open()];
      await signIn(mine, app, 'Google', 'Ada Lovelace');
      await signIn(other, app, 'Google', 'Ada Lovelace');
      await mine.goto(`${app.origin}/account`);
      assert.equal(await mine.locator('#devices').count(), 1);
      const rows = mine.locator('section[aria-labelledby=devices] tbody tr');
      assert.equal(await rows.count(), 2);
      assert.equal(await rows.filter({ hasText: 'this device' }).count(), 1);
      await rows.getByRole('button', { name: /^Revoke the sign-in/ }).click();
      await mine.waitForURL(`${app.origin}/account?done=ended`);
      await assertSignedOut(other, app);
      await assertSignedInAs(mine, app, 'Ada Lovelace');
      // All sessions, including this one.
      await mine.getByRole('button', { name: 'Sign out everywhere' }).click();
      await mine.waitForURL(`${app.origin}/`);
      await assertSignedOut(mine, app);
    });

    testWithApp('a password reset by e-mail signs out other browsers', async (open) => {
      const [page, thief] = [await open(), await open()];
      await signUp(page, app, 'Bob Builder', 'bob@example.test');
      await signInWithPassword(thief, app, 'bob@example.test', PASSWORD, 'Session');
      await page.goto(`${app.origin}/forgot`);
      await page.getByLabel('E-mail').fill('bob@example.test');
      await page.getByRole('button', { name: 'Send the link' }).click();
      assert.ok(await page.getByText('you’ll get an e-mail').isVisible());
      // The e-mail is sent in the background.
      for (let attempt = 0; attempt < 50; attempt += 1) {
        await page.goto(`${app.origin}/outbox`);
        if (await page.getByRole('heading', { name: 'Choose a new password' }).count() > 0) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await page.getByRole('link', { name: 'Open the link in “Choose a new password”' }).click();
      await page.waitForURL(`${app.origin}/reset/*`);
      const resetLink = page.url();
      await page.getByLabel('New password').fill(NEW_PASSWORD);
      await page.getByRole('button', { name: 'Set password' }).click();
      await page.waitForURL(`${app.origin}/sign-in?welcome=reset`);
      await submitPassword(page, 'bob@example.test', NEW_PASSWORD);
      await page.waitForURL(`${app.origin}/account`);
      await assertSignedOut(thief, app);
      await page.goto(resetLink);
      assert.equal(await errorCode(page), 'link_spent');
    });

    testWithApp('deletes the account only with the confirmation word', async (open) => {
      const [page, other] = [await open(), await open()];
      await signIn(page, app, 'Google', 'Ada Lovelace');
      const id = await accountId(page, app);
      await signIn(other, app, 'Google', 'Ada Lovelace');
      await page.goto(`${app.origin}/account`);
      await page.getByText('I want to delete my account').click();
      await page.getByLabel('to confirm').fill('perhaps');
      await press(page, page.getByRole('button', { name: 'Delete my account' }));
      assert.equal(await errorCode(page), 'not_confirmed');
      await page.goto(`${app.origin}/account`);
      await page.getByText('I want to delete my account').click();
      await page.getByLabel('to confirm').fill('delete');
      await page.getByRole('button', { name: 'Delete my account' }).click();
      await page.waitForURL(`${app.origin}/`);
      await assertSignedOut(page, app);
      await assertSignedOut(other, app);
      await signIn(page, app, 'Google', 'Ada Lovelace');
      assert.notEqual(await accountId(page, app), id);
    });

    testWithApp('two tabs sign in with different providers at the same time', async (open) => {
      const one = await open();
      const two = await one.context().newPage();
      await startSignIn(one, app, 'Google');
      await startSignIn(two, app, 'Facebook');
      await pick(one, 'Noor Inayat Khan');
      await pick(two, 'Octavia Hill');
      const cookieName = `latchkey_session_${new URL(app.origin).port}`;
      /** Completes the sign-in of a tab, and returns the session that the browser gets. */
      const finish = async (tab) => {
        const isCallback = (response) => response.url().startsWith(`${app.origin}/auth/`);
        const [callback] = await Promise.all([tab.waitForResponse(isCallback), allow(tab)]);
        await tab.waitForURL(`${app.origin}/account`);
        const cookies = await callback.headerValues('set-cookie');
        return cookies.find((one) => one.startsWith(`${cookieName}=`))?.split(/[=;]/)[1];
      };
      const [noor, octavia] = await Promise.all([finish(one), finish(two)]);
      // Both sign-ins succeed, each with its own session.
      assert.ok(noor && octavia && noor !== octavia, `${noor}, ${octavia}`);
      // The browser keeps the session that arrived last, and both tabs show its user. Until
      // then, a tab may have shown either user, or none: the other sign-in may have revoked
      // the session while the tab was loading.
      const kept = (await one.context().cookies(app.origin)).find(({ name }) => name === cookieName);
      assert.ok([noor, octavia].includes(kept.value), kept.value);
      const name = kept.value === noor ? 'Noor Inayat Khan' : 'Octavia Hill';
      for (const tab of [one, two]) await assertSignedInAs(tab, app, name);
    });
  });
}
