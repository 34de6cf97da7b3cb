// Every page, judged by axe-core: WCAG 2.2 AA, light and dark, phone and desktop.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { violations } from '../lib/axe.mjs';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { connectCalendar } from '../lib/connections.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import { forms, pagesOf } from '../lib/pages.mjs';
import { setOut, signIn } from '../lib/sign-in.mjs';

describe('pages are for everybody', () => {
  let app;
  let browser;
  before(async () => { [app, browser] = await Promise.all([startLatchkey(), launchChromium()]); });
  after(async () => { await browser?.close(); await app?.stop(); });

  for (const { form, viewport, colorScheme } of forms) {
    test(`${form}, ${colorScheme}`, async () => {
      const window = await openWindow(browser, { viewport, colorScheme });
      const { page } = window;
      const wrong = [];
      const judge = async (name) => {
        for (const one of await violations(page)) wrong.push(`${name}: ${one}`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (overflow > 0) wrong.push(`${name}: ${overflow} pixels too wide`);
      };
      for (const { name, path } of pagesOf.visitors) {
        await page.goto(app.origin + path);
        await judge(name);
      }
      await setOut(page, app, 'Google');
      await judge('the local provider');
      await signIn(page, app, 'Google', 'Ada Lovelace');
      for (const { name, path } of pagesOf.people) {
        await page.goto(app.origin + path);
        await judge(name);
      }
      await connectCalendar(page, app);
      await judge('a connection');
      await page.goto(`${app.origin}/connections/google/calendar`);
      await judge('what a connection holds');
      assert.deepEqual(wrong, []);
      window.assertQuiet();
    });
  }

  test('everything can be reached and pressed with the keyboard alone', async () => {
    const window = await openWindow(browser);
    const { page } = window;
    await page.goto(`${app.origin}/sign-in`);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
    const wanted = page.getByRole('button', { name: 'Continue with Google' });
    for (let press = 0; press < 40; press += 1) {
      if (await wanted.evaluate((button) => button === document.activeElement)) break;
      await page.keyboard.press('Tab');
      // Whoever sees the page sees where they are.
      const outline = await page.evaluate(() => {
        const style = getComputedStyle(document.activeElement);
        return style.outlineStyle !== 'none' || style.boxShadow !== 'none';
      });
      assert.ok(outline, await page.evaluate(() => document.activeElement.outerHTML));
    }
    await page.keyboard.press('Enter');
    await page.waitForURL(`${app.idp}/**`);
    window.assertQuiet();
  });
});
