// Complete flows with the keyboard: Tab, Enter and Space, on phone and desktop sizes.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import { assertSignedInAs, assertSignedOut } from '../lib/sign-in.mjs';

const PASSWORD = 'a lantern under the stairs';

/** Focused elements without a visible focus, or covered by another element. */
const unseen = () => {
  const focused = document.activeElement;
  if (focused === document.body) return null;
  const around = [focused, focused.closest('label'), focused.closest('td')].filter(Boolean);
  const isMarked = around.some((one) => getComputedStyle(one).outlineStyle !== 'none');
  const { x, y, width, height } = focused.getClientRects()[0];
  const onTop = document.elementFromPoint(x + width / 2, y + height / 2);
  const isOnTop = around.some((one) => one.contains(onTop));
  return isMarked && isOnTop ? null : `${focused.outerHTML}: marked ${isMarked}, on top ${isOnTop}`;
};

async function tab(page) {
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(unseen), null, page.url());
}

const hasFocus = (wanted) => wanted.evaluate((one) => one === document.activeElement);

async function reach(page, wanted) {
  for (let presses = 0; presses < 120; presses += 1) {
    if (await hasFocus(wanted)) return;
    await tab(page);
  }
  assert.fail(`${wanted} is not reached`);
}

async function type(page, field, text) {
  await reach(page, page.locator(field));
  await page.keyboard.type(text);
}

/** Activates a link or button by keyboard, and waits for the next page. */
async function enter(page, wanted) {
  await reach(page, wanted);
  await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
}

const button = (page, name) => page.getByRole('button', { name, exact: true });

async function assertNoTrap(page) {
  const skip = page.getByRole('link', { name: 'Skip to main content' });
  // From the current focus to the end and around.
  await page.keyboard.press('Tab');
  await reach(page, skip);
}

for (const [name, viewport] of [['a phone', { width: 390, height: 844 }], ['a desk', { width: 1280, height: 900 }]]) {
  describe(`with the keyboard alone, at ${name}`, () => {
    let app;
    let browser;
    before(async () => { [app, browser] = await Promise.all([startLatchkey(), launchChromium()]); });
    after(async () => { await browser?.close(); await app?.stop(); });

    test('somebody signs up, mistypes the password, signs in and out', async () => {
      const { page, assertNoProblems } = await openWindow(browser, { viewport });
      await page.goto(`${app.origin}/`);
      await tab(page);
      assert.ok(await hasFocus(page.getByRole('link', { name: 'Skip to main content' })));
      await page.keyboard.press('Enter');
      await tab(page);
      assert.ok(await page.evaluate(() => document.querySelector('main').contains(document.activeElement)));
      await assertNoTrap(page);

      await enter(page, page.locator('header').getByRole('link', { name: 'Sign in' }));
      await assertNoTrap(page);
      await enter(page, page.getByRole('link', { name: 'Create an account' }));
      await type(page, '#name', 'Mary Ward');
      await type(page, '#email', 'mary@example.test');
      await type(page, '#password', PASSWORD);
      await enter(page, button(page, 'Create account'));

      assert.equal(await page.locator('#email').inputValue(), 'mary@example.test');
      await type(page, '#password', 'not it at all');
      await enter(page, page.locator('form[action="/sign-in"] button'));
      assert.ok(await hasFocus(page.getByRole('alert')), 'the mistake has the focus');
      await type(page, '#password', PASSWORD);
      await reach(page, page.getByLabel('Show'));
      await page.keyboard.press('Space');
      assert.equal(await page.locator('#password').getAttribute('type'), 'text');
      await enter(page, page.locator('form[action="/sign-in"] button'));
      await assertSignedInAs(page, app, 'Mary Ward');
      await assertNoTrap(page);
      await enter(page, button(page, 'Sign out'));
      assert.ok(await page.getByText('You’re signed out.').isVisible());
      await assertSignedOut(page, app);
      assertNoProblems();
    });

    test('somebody signs in at a provider, links another, finds the menu, and is deleted', async () => {
      const { page, assertNoProblems } = await openWindow(browser, { viewport });
      await page.goto(`${app.origin}/sign-in`);
      await enter(page, page.getByRole('button', { name: 'Continue with Google' }));
      await enter(page, button(page, 'Allow'));
      await assertSignedInAs(page, app, 'Ada Lovelace');
      await enter(page, button(page, 'Link GitHub'));
      await enter(page, button(page, 'Allow'));
      assert.ok(await page.getByText('Linked. You can now sign in with it.').isVisible());

      const last = page.locator('.site-nav a').last();
      if (!await last.isVisible()) {
        await reach(page, page.locator('summary', { hasText: 'Menu' }));
        await page.keyboard.press('Enter');
      }
      await enter(page, last);
      await assertNoTrap(page);

      await page.goto(`${app.origin}/account`);
      await reach(page, page.locator('summary', { hasText: 'I want to delete my account' }));
      await page.keyboard.press('Space');
      await type(page, '#confirm', 'delete');
      await enter(page, button(page, 'Delete my account'));
      await assertSignedOut(page, app);
      assertNoProblems();
    });
  });
}
