// A real Chromium, in which nothing goes unnoticed: every request, every
// message in the console, every error on a page.

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

export function launchChromium(more = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-default-apps',
      '--disable-sync',
      '--no-first-run',
      '--no-default-browser-check',
      ...more,
    ],
  });
}

/**
 * A browser window with a memory of its own. `window.assertQuiet()` fails when
 * a page complained or something else than this machine was asked for.
 * What a page complains of on purpose is `expected`, a pattern.
 * What the pages of `notOurs` do is not ours to judge: oidc-provider's own
 * pages want a font from the internet, which they do not get.
 */
export async function openWindow(browser, { notOurs, expected: alsoExpected, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(45_000);
  const [foreign, complaints] = [[], []];
  let requests = 0;
  const isOurs = (page) => !notOurs || !page.startsWith(notOurs);
  const isForeign = (url) => !LOOPBACK.has(new URL(url).hostname);
  await context.route(isForeign, (route) => route.abort());
  context.on('request', (request) => {
    requests += 1;
    const from = request.isNavigationRequest() ? '' : request.frame().url();
    if (isForeign(request.url()) && isOurs(from)) foreign.push(request.url());
  });
  context.on('console', (message) => {
    // A page that answers 4xx is no fault: the tests ask for such pages.
    const expected = /Failed to load resource: the server responded with a status of 4/;
    const isExpected = expected.test(message.text()) || alsoExpected?.test(message.text());
    const isBad = ['error', 'warning'].includes(message.type()) && !isExpected;
    if (isBad && isOurs(message.page()?.url() ?? '')) {
      complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    }
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  const assertQuiet = () => {
    assert.deepEqual(complaints, [], 'nothing in the console');
    assert.notEqual(requests, 0);
    assert.deepEqual(foreign, [], 'nothing leaves the loopback');
  };
  return { context, assertQuiet, page: await context.newPage() };
}
