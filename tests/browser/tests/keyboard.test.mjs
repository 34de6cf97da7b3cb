// Complete flows with only the keyboard: Tab, Enter and Space, on phone and desktop sizes.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import { assertSignedInAs, assertSignedOut } from '../lib/sign-in.mjs';

const PASSWORD = 'a lantern under the stairs';

/** The focused element, if its focus is not visible or another element covers it. */
const hiddenFocus = () => {
  const focused = document.activeElement;
  if (focused === document.body) return null;
  const around = [focused, focused.closest('label'), focused.closest('td')].filter(Boolean);
  const isMarked = around.some((one) => getComputedStyle(one).outlineStyle !== 'none');
  const { x, y, width, height } = focused.getClientRects()[0];
  const onTop = document.elementFromPoint(x + width / 2, y + height / 2);
  const isOnTop = around.some((one) => one.contains(onTop));
  return isMarked && isOnTop ? null : `${focused.outerHTML}: marked ${isMarked}, on top ${isOnTop}`;
};

async function pressTab(page) {
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(hiddenFocus), null, page.url());
}

const hasFocus = (wanted) => wanted.evaluate((one) => one === document.activeElement);

async function tabTo(page, wanted) {
  for (let presses = 0; presses < 120; presses += 1) {
    if (await hasFocus(wanted)) return;
    await pressTab(page);
  }
  assert.fail(`Tab does not reach ${wanted}`);
}

async function typeInto(page, field, text) {
  await tabTo(page, page.locator(field));
  await page.keyboard.type(text);
}

/** Activates a link or button by keyboard, and waits for the next page. */
async function activate(page, wanted) {
  await tabTo(page, wanted);
  await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
}

const button = (page, name) => page.getByRole('button', { name, exact: true });

async function assertNoFocusTrap(page) {
  const skip = page.getByRole('link', { name: 'Skip to main content' });
  // From the current focus to the end of the page, and around to its start.
  await page.keyboard.press('Tab');
  await tabTo(page, skip);
}

for (const [name, viewport] of [['phone', { width: 390, height: 844 }], ['desktop', { width: 1280, height: 900 }]]) {
  describe(`keyboard alone, on a ${name}`, () => {
    let app;
    let browser;
    before(async () => { [app, browser] = await Promise.all([startLatchkey(), launchChromium()]); });
    after(async () => { await browser?.close(); await app?.stop(); });

    test('sign up, mistype the password, sign in and out', async () => {
      const { page, assertNoProblems } = await openWindow(browser, { viewport });
      await page.goto(`${app.origin}/`);
      await pressTab(page);
      assert.ok(await hasFocus(page.getByRole('link', { name: 'Skip to main content' })));
      await page.keyboard.press('Enter');
      await pressTab(page);
      assert.ok(await page.evaluate(() => document.querySelector('main').contains(document.activeElement)));
      await assertNoFocusTrap(page);

      await activate(page, page.locator('header').getByRole('link', { name: 'Sign in' }));
      await assertNoFocusTrap(page);
      await activate(page, page.getByRole('link', { name: 'Create an account' }));
      await typeInto(page, '#name', 'Mary Ward');
      await typeInto(page, '#email', 'mary@example.test');
      await typeInto(page, '#password', PASSWORD);
      await activate(page, button(page, 'Create account'));

      assert.equal(await page.locator('#email').inputValue(), 'mary@example.test');
      await typeInto(page, '#password', 'not it at all');
      await activate(page, page.locator('form[action="/sign-in"] button'));
      assert.ok(await hasFocus(page.getByRole('alert')), 'the error message has focus');
      await typeInto(page, '#password', PASSWORD);
      await tabTo(page, page.getByLabel('Show'));
      await page.keyboard.press('Space');
      assert.equal(await page.locator('#password').getAttribute('type'), 'text');
      await activate(page, page.locator('form[action="/sign-in"] button'));
      await assertSignedInAs(page, app, 'Mary Ward');
      await assertNoFocusTrap(page);
      await activate(page, button(page, 'Sign out'));
      assert.ok(await page.getByText('You’re signed out.').isVisible());
      await assertSignedOut(page, app);
      assertNoProblems();
    });

    test('sign in at a provider, link another, open the menu, delete the account', async () => {
      const { page, assertNoProblems } = await openWindow(browser, { viewport });
      await page.goto(`${app.origin}/sign-in`);
      await activate(page, page.getByRole('button', { name: 'Continue with Google' }));
      await activate(page, button(page, 'Allow'));
      await assertSignedInAs(page, app, 'Ada Lovelace');
      await activate(page, button(page, 'Link GitHub'));
      await activate(page, button(page, 'Allow'));
      assert.ok(await page.getByText('Linked. You can now sign in with it.').isVisible());

      const last = page.locator('.site-nav a').last();
      if (!await last.isVisible()) {
        const open = async () => {
          await tabTo(page, page.getByRole('button', { name: 'Menu' }));
          await page.keyboard.press('Enter');
          assert.ok(await last.isVisible(), 'Enter opens the menu');
        };
        await open();
        await page.keyboard.press('Escape');
        assert.ok(!await last.isVisible(), 'Esc closes it');
        await open();
      }
      await activate(page, last);
      await assertNoFocusTrap(page);

      await page.goto(`${app.origin}/account`);
      await tabTo(page, page.locator('summary', { hasText: 'I want to delete my account' }));
      await page.keyboard.press('Space');
      await typeInto(page, '#confirm', 'delete');
      await activate(page, button(page, 'Delete my account'));
      await assertSignedOut(page, app);
      assertNoProblems();
    });
  });
}
