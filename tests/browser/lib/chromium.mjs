// Chromium windows that record every request, console message and page error.

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
 * A browser window with its own storage. `assertNoProblems()` fails if a page logged an
 * error or warning, or requested anything outside this machine. `expected` is a pattern for
 * intended messages. Pages of the origin `thirdParty` are not checked: oidc-provider's pages
 * request a web font, which is blocked.
 */
export async function openWindow(browser, { thirdParty, expected: alsoExpected, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(45_000);
  const [external, problems] = [[], []];
  let requests = 0;
  const isOurs = (page) => !thirdParty || !page.startsWith(thirdParty);
  const isExternal = (url) => !LOOPBACK.has(new URL(url).hostname);
  await context.route(isExternal, (route) => route.abort());
  context.on('request', (request) => {
    requests += 1;
    const from = request.isNavigationRequest() ? '' : request.frame().url();
    if (isExternal(request.url()) && isOurs(from)) external.push(request.url());
  });
  context.on('console', (message) => {
    // The tests request pages with 4xx on purpose.
    const expected = /Failed to load resource: the server responded with a status of 4/;
    const isExpected = expected.test(message.text()) || alsoExpected?.test(message.text());
    const isBad = ['error', 'warning'].includes(message.type()) && !isExpected;
    if (isBad && isOurs(message.page()?.url() ?? '')) {
      problems.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    }
  });
  context.on('weberror', (error) => problems.push(String(error.error())));
  const assertNoProblems = () => {
    assert.deepEqual(problems, [], 'no console messages');
    assert.notEqual(requests, 0);
    assert.deepEqual(external, [], 'no requests outside loopback');
  };
  return { context, assertNoProblems, page: await context.newPage() };
}
