// axe-core on every page: WCAG 2.2 AA, phone and desktop, light and dark.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { report, violations } from '../lib/axe.mjs';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { connectCalendar } from '../lib/connections.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import { pagesOf, screens } from '../lib/pages.mjs';
import { allow, pick, signIn, startSignIn } from '../lib/sign-in.mjs';

const RUNNING = ' data-running';

// For a measurement, a stopwatch run or an attack.
const RUN_TIMEOUT_MS = 90_000;

/** Opens a page, and not an error page in its place: those are accessible, too. */
async function open(page, url, { status = 200, code } = {}) {
  const response = await page.goto(url);
  assert.equal(response.status(), status, url);
  assert.equal(response.headers()['x-error-code'], code, url);
}

/** Submits a form, waits until the run is over, and returns the page as it was meanwhile. */
async function runToEnd(origin, path, fields, statusPath) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const body = new URLSearchParams(fields).toString();
  const started = await fetch(origin + path, { method: 'POST', headers, body, redirect: 'manual' });
  assert.equal(started.status, 303, path);
  const fetchPage = async () => (await fetch(origin + statusPath)).text();
  const page = await fetchPage();
  assert.ok(page.includes(RUNNING), `${statusPath} shows that a run is in progress`);
  assert.ok(!page.includes('http-equiv'), 'the page does not refresh automatically');
  assert.match(page, /<title>\d+ (of \d+|still)/, 'the title shows the progress');
  for (const end = Date.now() + RUN_TIMEOUT_MS; (await fetchPage()).includes(RUNNING);) {
    assert.ok(Date.now() < end, `${path} did not finish in time`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  // Without animation and polling, so that the checks are stable.
  return page.replace(RUNNING, '');
}

describe('every page is accessible', () => {
  let app;
  let browser;
  const pagesDuringRuns = {};
  before(async () => { [app, browser] = await Promise.all([startLatchkey(), launchChromium()]); });
  after(async () => { await browser?.close(); await app?.stop(); });
  after(() => console.log(report()));

  test('before anything is measured', async () => {
    const { page, assertNoProblems } = await openWindow(browser);
    for (const path of ['/compare', '/stopwatch', '/lab', '/lab/jwt_none']) {
      await open(page, app.origin + path);
      assert.deepEqual(await violations(page), [], path);
    }
    assertNoProblems();
  });

  test('stopwatch, attack and comparison show their progress and finish', async () => {
    const { origin } = app;
    const fields = { key: 'session' };
    pagesDuringRuns['/stopwatch'] = await runToEnd(origin, '/stopwatch', fields, '/stopwatch');
    // This attack waits on purpose, which leaves time for the checks.
    pagesDuringRuns['/lab'] = await runToEnd(origin, '/lab/refresh_reused/run', {}, '/lab');
    // This page is streamed while measuring.
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    await fetch(`${origin}/compare/run`, { method: 'POST', headers, redirect: 'manual' });
    const page = await (await fetch(`${origin}/compare/progress`)).text();
    assert.match(page, /\d+ true\s· \d+ it depends\s· \d+ false/);
    pagesDuringRuns['/compare/progress'] = page;
    // On a slow machine, the time may run out before this claim: then measure it alone.
    const hasCurve = async () =>
      (await (await fetch(`${origin}/compare/speed`)).text()).includes('<svg class="curve"');
    for (const end = Date.now() + RUN_TIMEOUT_MS; !await hasCurve();) {
      assert.ok(Date.now() < end, '/compare/speed has a curve in time');
      await fetch(`${origin}/compare/run`, { method: 'POST', headers, redirect: 'manual', body: 'claim=3' });
      await (await fetch(`${origin}/compare/progress`)).text();
    }
    assert.doesNotMatch(app.log(), /panicked/);
  });

  // Each page is opened once and checked on all screens: nothing else changes.
  describe('on phone and desktop, light and dark', { concurrency: true }, () => {
    const testPages = (name, steps) => test(name, async () => {
      const window = await openWindow(browser);
      const { page } = window;
      const problems = [];
      const check = async (what, maxHeight = {}) => {
        for (const { device, viewport, colorScheme } of screens) {
          await page.setViewportSize(viewport);
          await page.emulateMedia({ colorScheme });
          const where = `${what}, ${device}, ${colorScheme}`;
          for (const one of await violations(page)) problems.push(`${where}: ${one}`);
          const size = () => {
            const { scrollWidth, scrollHeight } = document.documentElement;
            return { tooWide: scrollWidth - innerWidth, height: scrollHeight };
          };
          const { tooWide, height } = await page.evaluate(size);
          if (tooWide > 0) problems.push(`${where}: ${tooWide} pixels too wide`);
          if (height > maxHeight[device]) problems.push(`${where}: ${height} pixels high`);
        }
      };
      await steps({ page, check });
      assert.deepEqual(problems, []);
      window.assertNoProblems();
    });
    const expandAll = (page) =>
      page.locator('details').evaluateAll((all) => all.forEach((one) => { one.open = true; }));

    testPages('pages of visitors', async ({ page, check }) => {
      for (const { name, path, ...expected } of pagesOf.visitors) {
        await open(page, app.origin + path, expected);
        await check(name);
      }
      await startSignIn(page, app, 'Google');
      await check('the local provider');
    });

    testPages('comparison, stopwatch and lab, during and after a run', async ({ page, check }) => {
      await page.goto(`${app.origin}/compare`);
      await page.locator('.tally').waitFor();
      await check('the comparison, collapsed', { phone: 3500, desktop: 2200 });
      await expandAll(page);
      await check('the comparison');
      for (const claim of ['speed', 'queries', 'without-database']) {
        await open(page, `${app.origin}/compare/${claim}`);
        await expandAll(page);
        await check(`the claim ${claim}`);
      }
      await page.goto(`${app.origin}/stopwatch`);
      await page.locator('svg.lane').first().waitFor();
      await check('the stopwatch results');
      await page.goto(`${app.origin}/lab/refresh_reused`);
      await page.getByRole('heading', { name: 'Refused', exact: true }).waitFor();
      await check('the result of an attack');
      for (const [path, body] of Object.entries(pagesDuringRuns)) {
        const respond = (route) => route.fulfill({ contentType: 'text/html; charset=utf-8', body });
        await page.route(app.origin + path, respond);
        await page.goto(app.origin + path);
        await check(`${path}, during a run`);
        await page.unroute(app.origin + path, respond);
      }
    });

    testPages('pages of a signed-in user', async ({ page, check }) => {
      await signIn(page, app, 'Google', 'Ada Lovelace');
      for (const { name, path, ...expected } of pagesOf.users) {
        await open(page, app.origin + path, expected);
        await check(name);
      }
      await connectCalendar(page, app);
      await check('a connection');
      await open(page, `${app.origin}/connections/google/calendar`);
      await check('the data of a connection');
      await open(page, `${app.idp}/calendar-printer`);
      await check('the Calendar Printer');
      await page.getByRole('button', { name: /^Print my calendar/ }).click();
      await page.waitForURL(`${app.idp}/google/**`);
      await check('the consent page of the Calendar Printer');
      await pick(page, 'Ada Lovelace');
      await allow(page);
      await page.waitForURL(`${app.idp}/calendar-printer/printout`);
      await check('the printout');
    });
  });

  test('keyboard alone: focus is always visible on the way to a provider', async () => {
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

  test('keyboard alone: open a claim and repeat the stopwatch', async () => {
    const window = await openWindow(browser, { javaScriptEnabled: false });
    const { page } = window;
    const tabTo = async (wanted) => {
      for (let tab = 0; tab < 60; tab += 1) {
        if (await wanted.evaluate((one) => one === document.activeElement)) return;
        await page.keyboard.press('Tab');
      }
      assert.fail(`Tab does not reach ${wanted}`);
    };
    await page.goto(`${app.origin}/compare`);
    await tabTo(page.getByRole('link', { name: 'A JWT is faster than a session' }));
    await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
    await page.locator('svg.curve').waitFor();
    await page.goto(`${app.origin}/stopwatch`);
    for (const choice of await page.getByRole('checkbox').all()) {
      await tabTo(choice);
      if (await choice.getAttribute('value') !== 'session') await page.keyboard.press('Space');
    }
    await tabTo(page.getByRole('button', { name: 'Time them again' }));
    await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
    const again = page.getByRole('button', { name: 'Time them again', disabled: false });
    for (const end = Date.now() + RUN_TIMEOUT_MS; await again.count() === 0;) {
      assert.ok(Date.now() < end, 'the stopwatch finishes in time');
      await tabTo(page.getByRole('link', { name: 'Refresh' }));
      await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
    }
    assert.equal(await page.locator('svg.lane[viewBox="0 0 1000 16"]').count(), 1);
    window.assertNoProblems();
  });
});
