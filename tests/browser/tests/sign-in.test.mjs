// The sign-in page: by keyboard, on a phone, after a wrong password.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';

const [EMAIL, PASSWORD] = ['ada@example.org', 'a lantern under the stairs'];
const PHONE = { width: 390, height: 844 };

for (const demo of ['on', 'off']) {
  describe(`the sign-in page, DEMO=${demo}`, () => {
    let app;
    let browser;
    before(async () => { [app, browser] = await Promise.all([startLatchkey({ DEMO: demo }), launchChromium()]); });
    after(async () => { await browser?.close(); await app?.stop(); });

    test('fits on a phone screen, and Tab moves from e-mail to password to button', async () => {
      for (const javaScriptEnabled of [true, false]) {
        const window = await openWindow(browser, { viewport: PHONE, javaScriptEnabled });
        const { page } = window;
        await page.goto(`${app.origin}/sign-in`);
        const submit = await page.locator('form[action="/sign-in"] button').boundingBox();
        assert.ok(submit.y + submit.height <= PHONE.height, `${submit.y + submit.height} pixels`);
        await page.locator('#email').focus();
        const focused = () => page.evaluate(() => document.activeElement.name || document.activeElement.type);
        const order = [];
        for (let press = 0; press < (javaScriptEnabled ? 3 : 2); press += 1) {
          await page.keyboard.press('Tab');
          order.push(await focused());
        }
        assert.deepEqual(order, javaScriptEnabled ? ['password', 'checkbox', 'submit'] : ['password', 'submit']);
        window.assertNoProblems();
      }
    });

    test('shows the password on request, keeps the e-mail, and focuses the error', async () => {
      const window = await openWindow(browser);
      const { page } = window;
      await page.goto(`${app.origin}/sign-up`);
      await page.locator('#name').fill('Ada');
      await page.locator('#email').fill(EMAIL);
      await page.locator('#password').fill(PASSWORD);
      await page.getByRole('button', { name: 'Create account' }).click();
      await page.waitForURL(/\/sign-in\?/);
      assert.equal(await page.locator('#email').inputValue(), EMAIL);
      const password = page.locator('#password');
      await password.fill('not it at all');
      await page.getByLabel('Show').check();
      assert.equal(await password.getAttribute('type'), 'text');
      await page.locator('form[action="/sign-in"] button').click();
      await page.locator('[role=alert]:focus').waitFor();
      assert.equal(await page.locator('#email').inputValue(), EMAIL);
      await page.locator('#password').fill(PASSWORD);
      await page.locator('form[action="/sign-in"] button').click();
      await page.waitForURL(`${app.origin}/account`);
      for (const width of [320, 350, 390]) {
        await page.setViewportSize({ width, height: 844 });
        const { height } = await page.locator('.wordmark').boundingBox();
        assert.ok(height < 50, `the wordmark breaks at ${width} pixels`);
      }
      await page.getByRole('button', { name: 'Sign out', exact: true }).click();
      await page.getByText('You’re signed out.').waitFor();
      window.assertNoProblems();
    });

    test('in the demo only, one switch sets the credential of all sign-in methods', async () => {
      const window = await openWindow(browser, { javaScriptEnabled: false });
      const { page } = window;
      await page.goto(`${app.origin}/sign-in?next=%2Fdocs`);
      const jwt = page.getByRole('link', { name: 'JWT', exact: true });
      assert.equal(await jwt.count(), demo === 'on' ? 1 : 0);
      if (demo === 'on') {
        await jwt.click();
        assert.equal(await page.locator('input[name=strategy][value=jwt]').count(), 4);
        assert.equal(await page.locator('input[name=next][value="/docs"]').count(), 4);
      }
      window.assertNoProblems();
    });
  });
}
