// A trace recorded from a real browser, and read without JavaScript, on a phone, by keyboard.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { report, violations } from '../lib/axe.mjs';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import { screens } from '../lib/pages.mjs';
import { signIn } from '../lib/sign-in.mjs';

describe('traces of a sign-in', () => {
  let app;
  let browser;
  before(async () => { [app, browser] = await Promise.all([startLatchkey(), launchChromium()]); });
  after(async () => { await browser?.close(); await app?.stop(); });
  after(() => console.log(report()));

  test('a trace is readable without JavaScript, by keyboard, and downloads as HAR', async () => {
    const { page, assertNoProblems } = await openWindow(browser, { javaScriptEnabled: false, viewport: { width: 390, height: 844 } });
    await signIn(page, app, 'Google', 'Ada Lovelace');
    await page.goto(`${app.origin}/traces`);
    const first = page.getByRole('table').first().getByRole('link');
    await first.focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/traces\/[0-9a-f-]{36}$/);
    const steps = page.locator('ol.hops > li.hop h3');
    assert.ok(await steps.count() >= 5, 'every step is listed');
    assert.match(await steps.first().innerText(), /sends the browser to the provider/);
    const diagram = page.getByRole('region', { name: 'Sequence diagram' });
    await diagram.focus();
    assert.ok(await diagram.evaluate((one) => one.scrollWidth > one.clientWidth), 'the diagram scrolls');
    const wire = page.locator('#step-1 details.more > summary').last();
    await wire.focus();
    await page.keyboard.press('Enter');
    await page.locator('#step-1 pre.wire').first().waitFor({ state: 'visible' });
    const text = await page.locator('#step-1 pre.wire').first().innerText();
    assert.match(text, /^POST \/auth\/google HTTP\/1\.1/);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'HAR' }).click(),
    ]);
    assert.match(download.suggestedFilename(), /^latchkey-.*\.har$/);
    assertNoProblems();
  });

  for (const { device, viewport, colorScheme } of screens) {
    test(`trace pages are accessible: ${device}, ${colorScheme}`, async () => {
      const { page, assertNoProblems } = await openWindow(browser, { viewport, colorScheme });
      await signIn(page, app, 'Google', 'Ada Lovelace');
      await page.goto(`${app.origin}/traces`);
      assert.deepEqual(await violations(page), []);
      await page.getByRole('table').first().getByRole('link').first().click();
      await page.waitForURL(/\/traces\/[0-9a-f-]{36}$/);
      await page.locator('details').evaluateAll((all) => all.forEach((one) => { one.open = true; }));
      assert.deepEqual(await violations(page), []);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${overflow} pixels too wide`);
      assertNoProblems();
    });
  }
});
