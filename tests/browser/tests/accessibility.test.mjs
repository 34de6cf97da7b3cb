// axe-core on every page: WCAG 2.2 AA, phone and desktop, light and dark.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { report, violations } from '../lib/axe.mjs';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { connectCalendar } from '../lib/connections.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import { forms, pagesOf } from '../lib/pages.mjs';
import { allow, pick, press, setOut, signIn } from '../lib/sign-in.mjs';

const RUNS = ' data-running';

// Limit for a measurement, a stopwatch run or an attack.
const PATIENCE = 90_000;

/** Submits a form, checks the page until the run is over, and returns the violations. */
async function runs(origin, path, fields, shownAt) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const body = new URLSearchParams(fields).toString();
  const begun = await fetch(origin + path, { method: 'POST', headers, body, redirect: 'manual' });
  assert.equal(begun.status, 303, path);
  const look = async () => (await fetch(origin + shownAt)).text();
  const meanwhile = await look();
  assert.ok(meanwhile.includes(RUNS), `${shownAt} says that it runs`);
  assert.ok(!meanwhile.includes('http-equiv'), 'and does not move under the reader');
  assert.match(meanwhile, /<title>\d+ (of \d+|still)/, 'how far it is');
  for (const end = Date.now() + PATIENCE; (await look()).includes(RUNS);) {
    assert.ok(Date.now() < end, `${path} came to no end`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  // Without motion, so that checks are stable.
  return meanwhile.replace(RUNS, '');
}

describe('pages are for everybody', () => {
  let app;
  let browser;
  const meanwhile = {};
  before(async () => { [app, browser] = await Promise.all([startLatchkey(), launchChromium()]); });
  after(async () => { await browser?.close(); await app?.stop(); });
  after(() => console.log(report()));

  test('as long as nothing was measured', async () => {
    const { page, assertNoProblems } = await openWindow(browser);
    for (const path of ['/compare', '/stopwatch', '/lab', '/lab/jwt_none']) {
      await page.goto(app.origin + path);
      assert.deepEqual(await violations(page), [], path);
    }
    assertNoProblems();
  });

  test('then everything is measured once', async () => {
    const { origin } = app;
    meanwhile['/stopwatch'] = await runs(origin, '/stopwatch', { key: 'session' }, '/stopwatch');
    // It waits on purpose, which leaves time for the check.
    meanwhile['/lab'] = await runs(origin, '/lab/refresh_reused/run', {}, '/lab');
    // This page is streamed during the measurement.
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    await fetch(`${origin}/compare/run`, { method: 'POST', headers, redirect: 'manual' });
    const page = await (await fetch(`${origin}/compare/progress`)).text();
    assert.match(page, /\d+ true\s· \d+ it depends\s· \d+ false/);
    meanwhile['/compare/progress'] = page;
    // On a slow machine, time may run out before this claim: then it is measured alone.
    const curve = async () => (await (await fetch(`${origin}/compare/speed`)).text()).includes('<svg class="curve"');
    for (const end = Date.now() + PATIENCE; !await curve();) {
      assert.ok(Date.now() < end, 'no curve is drawn');
      await fetch(`${origin}/compare/run`, { method: 'POST', headers, redirect: 'manual', body: 'claim=3' });
      await (await fetch(`${origin}/compare/progress`)).text();
    }
    assert.doesNotMatch(app.log(), /panicked/);
  });

  // A page is opened once and checked in each form: nothing else changes.
  describe('in every form', { concurrency: true }, () => {
    const walk = (name, steps) => test(name, async () => {
      const window = await openWindow(browser);
      const { page } = window;
      const wrong = [];
      const judge = async (what, most = {}) => {
        for (const { form, viewport, colorScheme } of forms) {
          await page.setViewportSize(viewport);
          await page.emulateMedia({ colorScheme });
          const where = `${what}, ${form}, ${colorScheme}`;
          for (const one of await violations(page)) wrong.push(`${where}: ${one}`);
          const size = () => {
            const { scrollWidth, scrollHeight } = document.documentElement;
            return { tooWide: scrollWidth - innerWidth, height: scrollHeight };
          };
          const { tooWide, height } = await page.evaluate(size);
          if (tooWide > 0) wrong.push(`${where}: ${tooWide} pixels too wide`);
          if (height > most[form]) wrong.push(`${where}: ${height} pixels high`);
        }
      };
      await steps({ page, judge });
      assert.deepEqual(wrong, []);
      window.assertNoProblems();
    });
    const unfold = (page) =>
      page.locator('details').evaluateAll((all) => all.forEach((one) => { one.open = true; }));

    walk('what visitors see', async ({ page, judge }) => {
      for (const { name, path } of pagesOf.visitors) {
        await page.goto(app.origin + path);
        await judge(name);
      }
      await setOut(page, app, 'Google');
      await judge('the local provider');
    });

    walk('what was measured, timed and attacked', async ({ page, judge }) => {
      await page.goto(`${app.origin}/compare`);
      await page.locator('.tally').waitFor();
      await judge('what was measured, folded', { phone: 3500, desktop: 2200 });
      await unfold(page);
      await judge('what was measured');
      for (const claim of ['speed', 'queries', 'without-database']) {
        await page.goto(`${app.origin}/compare/${claim}`);
        await unfold(page);
        await judge(`the claim ${claim}`);
      }
      await page.goto(`${app.origin}/stopwatch`);
      await page.locator('svg.lane').first().waitFor();
      await judge('what was timed');
      await page.goto(`${app.origin}/lab/refresh_reused`);
      await page.getByRole('heading', { name: 'Refused', exact: true }).waitFor();
      await judge('what was attacked');
      for (const [path, body] of Object.entries(meanwhile)) {
        const still = (route) => route.fulfill({ contentType: 'text/html; charset=utf-8', body });
        await page.route(app.origin + path, still);
        await page.goto(app.origin + path);
        await judge(`${path}, while it runs`);
        await page.unroute(app.origin + path, still);
      }
    });

    walk('what people see who are signed in', async ({ page, judge }) => {
      await signIn(page, app, 'Google', 'Ada Lovelace');
      for (const { name, path } of pagesOf.people) {
        await page.goto(app.origin + path);
        await judge(name);
      }
      await connectCalendar(page, app);
      await judge('a connection');
      await page.goto(`${app.origin}/connections/google/calendar`);
      await judge('what a connection holds');
      await page.goto(`${app.idp}/calendar-printer`);
      await judge('the Calendar Printer');
      await page.getByRole('button', { name: /^Print my calendar/ }).click();
      await page.waitForURL(`${app.idp}/google/**`);
      await judge('what the Calendar Printer asks for');
      await pick(page, 'Ada Lovelace');
      await allow(page);
      await page.waitForURL(`${app.idp}/calendar-printer/printout`);
      await judge('the printout');
    });
  });

  test('everything can be reached and pressed with the keyboard alone', async () => {
    const window = await openWindow(browser);
    const { page } = window;
    await page.goto(`${app.origin}/sign-in`);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to main content');
    const wanted = page.getByRole('button', { name: 'Continue with Google' });
    for (let press = 0; press < 40; press += 1) {
      if (await wanted.evaluate((button) => button === document.activeElement)) break;
      await page.keyboard.press('Tab');
      // The navigation marks the current page.
      const outline = await page.evaluate(() => {
        const style = getComputedStyle(document.activeElement);
        return style.outlineStyle !== 'none' || style.boxShadow !== 'none';
      });
      assert.ok(outline, await page.evaluate(() => document.activeElement.outerHTML));
    }
    await page.keyboard.press('Enter');
    await page.waitForURL(`${app.idp}/**`);
    window.assertNoProblems();
  });

  test('what was measured is shown and repeated with the keyboard alone', async () => {
    const window = await openWindow(browser, { javaScriptEnabled: false });
    const { page } = window;
    const reach = async (wanted) => {
      for (let tab = 0; tab < 60; tab += 1) {
        if (await wanted.evaluate((one) => one === document.activeElement)) return;
        await page.keyboard.press('Tab');
      }
      assert.fail(`${wanted} is not reached`);
    };
    await page.goto(`${app.origin}/compare`);
    await reach(page.getByRole('link', { name: 'Therefore a JWT is faster' }));
    await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
    await page.locator('svg.curve').waitFor();
    await page.goto(`${app.origin}/stopwatch`);
    for (const choice of await page.getByRole('checkbox').all()) {
      await reach(choice);
      if (await choice.getAttribute('value') !== 'session') await page.keyboard.press('Space');
    }
    await reach(page.getByRole('button', { name: 'Time them again' }));
    await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
    const again = page.getByRole('button', { name: 'Time them again', disabled: false });
    for (const end = Date.now() + PATIENCE; await again.count() === 0;) {
      assert.ok(Date.now() < end, 'it came to no end');
      await reach(page.getByRole('link', { name: 'Refresh' }));
      await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
    }
    assert.equal(await page.locator('svg.lane[viewBox="0 0 1000 16"]').count(), 1);
    window.assertNoProblems();
  });
});
