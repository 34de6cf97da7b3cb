// The attack lab with and without JavaScript, and by keyboard.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';

/** Waits until a run is over; without JavaScript, by clicking "Refresh". */
async function waitUntilShown(page, wanted) {
  // A few times in a row, because the previous page may have shown it, too.
  for (let seen = 0, attempt = 0; seen < 5 && attempt < 600; attempt += 1) {
    const again = page.getByRole('link', { name: 'Refresh', exact: true });
    if (await again.isVisible()) await again.click({ timeout: 1000 }).catch(() => {});
    seen = await wanted.isVisible() ? seen + 1 : 0;
    await page.waitForTimeout(100);
  }
  await wanted.waitFor({ timeout: 1000 });
}

describe('the attack lab', () => {
  let app;
  let browser;
  before(async () => { [app, browser] = await Promise.all([startLatchkey(), launchChromium()]); });
  after(async () => { await browser?.close(); await app?.stop(); });

  for (const javaScriptEnabled of [true, false]) {
    const scripts = javaScriptEnabled ? 'with' : 'without';
    test(`all attacks run and none gets through, ${scripts} JavaScript`, async () => {
      const window = await openWindow(browser, { javaScriptEnabled });
      const { page } = window;
      await page.goto(`${app.origin}/lab`);
      await page.getByRole('button', { name: /^Run all/ }).click();
      await page.getByRole('status').filter({ hasText: ' done' }).waitFor();
      const refused = page.locator('.stats > div').filter({ hasText: /refused/ }).locator('dd');
      // The page follows without a reload.
      if (javaScriptEnabled) await refused.filter({ hasText: /[1-9]/ }).waitFor();
      await waitUntilShown(page, page.getByRole('button', { name: /^Run all/ }));
      const rows = page.locator('.rows li');
      assert.deepEqual(await rows.filter({ hasText: 'got through' }).allInnerTexts(), []);
      assert.ok((await rows.filter({ hasText: 'refused' }).count()) > 36, 'most attacks were refused');
      await page.getByRole('link', { name: /^Unsigned token \(alg none\): refused, proven/ }).click();
      await page.getByRole('heading', { name: 'Refused', exact: true }).waitFor();
      const text = await page.locator('main').innerText();
      assert.match(text, /key_for in crates\/auth\/src\/tokens\/verify\.rs/);
      assert.match(text, /401 token_algorithm_none/);
      assert.match(text, /It ran again on an instance without this check\.[\s\S]*proven The attack got through there/);
      assert.doesNotMatch(text, /eyJ[\w-]{20}/, 'no token on the page');
      window.assertNoProblems();
    });
  }

  test('keyboard alone: run one attack', async () => {
    const window = await openWindow(browser, { javaScriptEnabled: false });
    const { page } = window;
    await page.goto(`${app.origin}/lab/jwt_kid_sql`);
    await page.getByRole('button', { name: /^Run it/ }).focus();
    await page.keyboard.press('Enter');
    await waitUntilShown(page, page.getByRole('heading', { name: 'Refused', exact: true }));
    assert.match(await page.locator('main').innerText(), /UNION SELECT|token_key_unknown/);
    window.assertNoProblems();
  });
});
