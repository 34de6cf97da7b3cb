// Connecting, using and disconnecting services.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { connectCalendar, consent, providerSection } from '../lib/connections.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import { decline, press, signIn } from '../lib/sign-in.mjs';

const CALENDAR = 'https://www.googleapis.com/auth/calendar.readonly';
const CONTACTS = 'https://www.googleapis.com/auth/contacts';

const service = (page, slug, label) =>
  providerSection(page, slug).locator('.rows li', { hasText: label });

for (const javaScriptEnabled of [true, false]) {
  describe(`connections, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, () => {
    let app;
    let browser;
    const testSignedIn = (name, body) => test(name, async () => {
      app = await startLatchkey();
      const window = await openWindow(browser, { javaScriptEnabled, viewport: { width: 390, height: 844 } });
      try {
        await signIn(window.page, app, 'Google', 'Ada Lovelace');
        await body(window.page);
        window.assertNoProblems();
      } finally {
        await window.context.close();
        await app.stop();
      }
    });
    before(async () => { browser = await launchChromium(); });
    after(async () => { await browser?.close(); });

    testSignedIn('only granted scopes can be used, and disconnecting ends access', async (page) => {
      await connectCalendar(page, app);
      assert.ok(await page.getByText('Google is connected.').isVisible());
      assert.ok(await service(page, 'google', 'Calendar').getByText('granted', { exact: true }).isVisible());
      await press(page, page.getByRole('link', { name: 'Show events' }));
      assert.notEqual(await page.locator('main .rows > li').count(), 0);
      // A scope that was not granted is refused, with a button to grant it.
      const refused = await page.goto(`${app.origin}/connections/google/contacts`);
      assert.equal(refused.status(), 403);
      assert.equal(refused.headers()['x-error-code'], 'not_granted');
      await page.getByRole('link', { name: 'Go to your connections' }).click();
      // Requested, and deselected at the provider.
      await service(page, 'google', 'Contacts').getByRole('button').click();
      await consent(page, app, [CONTACTS]);
      assert.ok(await service(page, 'google', 'Contacts').getByText('not granted').isVisible());
      assert.equal((await page.goto(`${app.origin}/connections/google/contacts`)).status(), 403);
      // Then granted, in addition to the earlier scopes.
      await page.goto(`${app.origin}/connections`);
      await service(page, 'google', 'Contacts').getByRole('button').click();
      await consent(page, app);
      await press(page, page.getByRole('link', { name: 'Show contacts' }));
      assert.notEqual(await page.locator('main .rows > li').count(), 0);
      assert.equal((await page.goto(`${app.origin}/connections/google/calendar`)).status(), 200);
      await page.goto(`${app.origin}/connections`);
      await page.getByRole('button', { name: 'Disconnect Google' }).click();
      await page.waitForURL(/done=disconnected/);
      assert.ok(await page.getByText('its tokens are revoked there and deleted here').isVisible());
      assert.equal((await page.goto(`${app.origin}/connections/google/calendar`)).status(), 404);
    });

    testSignedIn('declined and deselected scopes are not granted', async (page) => {
      await page.goto(`${app.origin}/connections`);
      await providerSection(page, 'google').getByLabel('Contacts, full access').check();
      await page.getByRole('button', { name: 'Connect Google', exact: true }).click();
      await page.waitForURL(`${app.idp}/**`);
      await decline(page);
      await page.waitForURL(/done=declined/);
      assert.ok(await page.getByText('You declined at Google. Nothing has changed.').isVisible());
      assert.ok(await providerSection(page, 'google').getByText('Not connected').isVisible());
      await providerSection(page, 'google').getByLabel('Calendar, read only').check();
      await page.getByRole('button', { name: 'Connect Google', exact: true }).click();
      await consent(page, app, [CALENDAR]);
      assert.ok(await service(page, 'google', 'Calendar').getByText('not granted').isVisible());
    });
  });
}
