// The account page: linking, a conflict, unlinking, the last sign-in method, another
// browser's sign-in, a forgotten password, deletion.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import { allow, assertSignedInAs, assertSignedOut, pick, press, setOut, signIn, signOut } from '../lib/sign-in.mjs';

const PASSWORD = 'a lantern under the stairs';
const OTHER = 'seven herons over the weir';

const code = async (page) => (await page.locator('dt', { hasText: /^Code$/ }).locator('xpath=following-sibling::dd').innerText()).trim();
const idOf = async (page, app) => {
  await page.goto(`${app.origin}/account`);
  return page.locator('dt', { hasText: /^ID$/ }).locator('xpath=following-sibling::dd').innerText();
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

/** The password form of the current page. */
async function typePassword(page, email, password) {
  const form = page.locator('form[action="/sign-in"]');
  await form.locator('input[name=email]').fill(email);
  await form.locator('input[name=password]').fill(password);
  await form.locator('button').click();
}

async function signInWithPassword(page, app, email, password, key) {
  await page.goto(`${app.origin}/sign-in`);
  if (key) await page.getByRole('navigation', { name: 'carry' }).getByRole('link', { name: key }).click();
  await typePassword(page, email, password);
  await page.waitForURL(`${app.origin}/account`);
}

for (const javaScriptEnabled of [true, false]) {
  describe(`an account, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, () => {
    let app;
    let browser;
    // Each test starts its own Latchkey, because they share the same personas.
    const withApp = (name, body) => test(name, async () => {
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

    withApp('links a second way in, and either opens it', async (open) => {
      const page = await open();
      await signIn(page, app, 'Google', 'Ada Lovelace');
      const id = await idOf(page, app);
      await link(page, app, 'GitHub', 'Ada Lovelace');
      assert.match(page.url(), /\/account\?done=linked$/);
      assert.ok(await page.getByText('Linked. You can now sign in with it.').isVisible());
      const elsewhere = await open();
      await signIn(elsewhere, app, 'GitHub', 'Ada Lovelace');
      assert.equal(await idOf(elsewhere, app), id);
      // An identity of another account is refused.
      const noor = await open();
      await signIn(noor, app, 'Facebook', 'Noor Inayat Khan');
      await link(noor, app, 'GitHub', 'Ada Lovelace');
      assert.equal(await code(noor), 'identity_taken');
      await assertSignedInAs(noor, app, 'Noor Inayat Khan');
    });

    withApp('an address that has an account: the old way first, then the link', async (open) => {
      const page = await open();
      await signIn(page, app, 'Google', 'Ada Lovelace');
      const id = await idOf(page, app);
      const other = await open();
      await setOut(other, app, 'GitHub');
      await pick(other, 'Ada’s Twin');
      await allow(other);
      await other.waitForURL(`${app.origin}/auth/github/callback?*`);
      assert.equal(await code(other), 'email_taken');
      await other.getByRole('link', { name: 'Sign in as before and link GitHub' }).click();
      await other.getByRole('button', { name: 'Continue with Google' }).click();
      await pick(other, 'Ada Lovelace');
      await allow(other);
      await other.waitForURL(`${app.origin}/account/link`);
      await other.getByRole('button', { name: 'Link GitHub' }).click();
      await other.waitForURL(`${app.origin}/account?done=linked`);
      assert.equal(await idOf(other, app), id);
      await signOut(other);
      await signIn(other, app, 'GitHub', 'Ada’s Twin');
      assert.equal(await idOf(other, app), id);
    });

    withApp('unlinks, but never the last way in', async (open) => {
      const page = await open();
      await signIn(page, app, 'Google', 'Noor Inayat Khan');
      await unlink(page, app, 'Google');
      assert.equal(await code(page), 'last_way_in');
      await page.getByRole('link', { name: 'Back to your account' }).click();
      await page.waitForURL(`${app.origin}/account`);
      await link(page, app, 'Facebook', 'Noor Inayat Khan');
      await unlink(page, app, 'Google');
      assert.match(page.url(), /\/account\?done=unlinked$/);
      assert.ok(await page.getByRole('button', { name: 'Link Google', exact: true }).isVisible());
      await unlink(page, app, 'Facebook');
      assert.equal(await code(page), 'last_way_in');
    });

    withApp('ends another browser’s sign-in: its next request is refused', async (open) => {
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
      // All of them, including this one.
      await mine.getByRole('button', { name: 'Revoke all, this one too' }).click();
      await mine.waitForURL(`${app.origin}/`);
      await assertSignedOut(mine, app);
    });

    withApp('a forgotten password is chosen anew by e-mail', async (open) => {
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
      const used = page.url();
      await page.getByLabel('New password').fill(OTHER);
      await page.getByRole('button', { name: 'Set password' }).click();
      await page.waitForURL(`${app.origin}/sign-in?welcome=reset`);
      await typePassword(page, 'bob@example.test', OTHER);
      await page.waitForURL(`${app.origin}/account`);
      await assertSignedOut(thief, app);
      await page.goto(used);
      assert.equal(await code(page), 'link_spent');
    });

    withApp('is deleted when one types the word', async (open) => {
      const [page, other] = [await open(), await open()];
      await signIn(page, app, 'Google', 'Ada Lovelace');
      const id = await idOf(page, app);
      await signIn(other, app, 'Google', 'Ada Lovelace');
      await page.goto(`${app.origin}/account`);
      await page.getByText('I want to delete my account').click();
      await page.getByLabel('to confirm').fill('perhaps');
      await press(page, page.getByRole('button', { name: 'Delete my account' }));
      assert.equal(await code(page), 'not_confirmed');
      await page.goto(`${app.origin}/account`);
      await page.getByText('I want to delete my account').click();
      await page.getByLabel('to confirm').fill('delete');
      await page.getByRole('button', { name: 'Delete my account' }).click();
      await page.waitForURL(`${app.origin}/`);
      await assertSignedOut(page, app);
      await assertSignedOut(other, app);
      await signIn(page, app, 'Google', 'Ada Lovelace');
      assert.notEqual(await idOf(page, app), id);
    });

    withApp('two tabs sign in with different providers at the same time', async (open) => {
      const one = await open();
      const two = await one.context().newPage();
      await setOut(one, app, 'Google');
      await setOut(two, app, 'Facebook');
      await pick(one, 'Noor Inayat Khan');
      await pick(two, 'Octavia Hill');
      await Promise.all([
        allow(two).then(() => two.waitForURL(`${app.origin}/account`)),
        allow(one).then(() => one.waitForURL(`${app.origin}/account`)),
      ]);
      // Both have signed in; the browser has the last one.
      const names = ['Noor Inayat Khan', 'Octavia Hill'];
      for (const tab of [one, two]) {
        assert.ok(names.includes(await tab.getByRole('heading', { level: 1 }).innerText()));
      }
      await one.goto(`${app.origin}/account`);
      assert.ok(names.includes(await one.getByRole('heading', { level: 1 }).innerText()));
    });
  });
}
