// The storage drill: what an injected script gets, and what stops it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import { press, signIn } from '../lib/sign-in.mjs';

// Chromium logs this for a sandbox with `allow-same-origin`. The guest book needs that, and
// is sandboxed to prevent pop-ups.
const SANDBOX = /^An iframe which has both allow-scripts and allow-same-origin/;

describe('the storage drill', () => {
  let app;
  let browser;
  before(async () => { [app, browser] = await Promise.all([startLatchkey(), launchChromium()]); });
  after(async () => { await browser?.close(); await app?.stop(); });

  /** A window with the drill prepared. */
  async function prepareDrill(options) {
    const window = await openWindow(browser, { expected: SANDBOX, ...options });
    await window.page.goto(`${app.origin}/drill`);
    await window.page.getByRole('button', { name: 'Set the scene' }).click();
    await window.page.getByRole('link', { name: 'Steal', exact: true }).waitFor();
    return window;
  }

  async function attack(page, query, outcome) {
    await page.goto(`${app.origin}/drill/room?${query}`);
    await page.locator('#outcome', { hasText: outcome }).waitFor();
    await page.getByRole('link', { name: 'See what the thief received' }).click();
    await page.waitForURL(/\/drill#desk$/);
  }

  const cookie = async (context, name) =>
    (await context.cookies(`${app.origin}/drill`)).find((one) => one.name === name);

  /** The status that the thief gets for the stolen credential. */
  async function replay(page, label, row) {
    await press(page, page.getByRole('button', { name: label }));
    return (await page.locator('tr', { hasText: row }).innerText()).match(/\b[2-5]\d\d\b/)[0];
  }

  test('a script can steal localStorage, but not the HttpOnly cookie', async () => {
    const { page, context, assertNoProblems } = await prepareDrill();
    await attack(page, 'comment=steal', 'The comment’s script ran');
    const stolen = await page.locator('.loot__token').innerText();
    const kept = await page.evaluate(() => localStorage.getItem('latchkey_drill'));
    assert.equal(stolen, kept);
    const { port } = new URL(app.origin);
    const hidden = await cookie(context, `latchkey_drill_${port}`);
    assert.equal(hidden.httpOnly, true);
    const cookies = await page.locator('.loot__cookies').innerText();
    assert.equal(cookies, `latchkey_drill_open_${port}=${(await cookie(context, `latchkey_drill_open_${port}`)).value}`);
    assert.ok(!(await page.content()).includes(hidden.value), 'the HttpOnly cookie was not stolen');

    assert.equal(await replay(page, 'Use the token from elsewhere', 'The token'), '200');
    assert.equal(await replay(page, 'Use the cookies from elsewhere', 'The cookies'), '200');
    await press(page, page.getByRole('button', { name: 'Sign Dora out' }));
    assert.equal(await replay(page, 'Use the token from elsewhere', 'The token'), '200');
    assert.equal(await replay(page, 'Use the cookies from elsewhere', 'The cookies'), '401');

    await page.getByRole('button', { name: 'Tidy up' }).click();
    await page.getByRole('button', { name: 'Set the scene' }).waitFor();
    assert.equal(await page.evaluate(() => localStorage.length), 0);
    assert.equal(await cookie(context, `latchkey_drill_${port}`), undefined);
    assertNoProblems();
    await context.close();
  });

  test('a script can use the HttpOnly cookie while the page is open', async () => {
    const { page, context, assertNoProblems } = await prepareDrill();
    await attack(page, 'comment=ride', 'The comment’s script ran');
    assert.match(await page.locator('.loot__ridden').innerText(), /"known_by":"the HttpOnly cookie"/);
    assert.equal(await page.locator('#dora').innerText(), 'mallory@thief.example');
    // Nothing works after the page is closed.
    assert.equal(await replay(page, 'Use the token from elsewhere', 'The token'), '401');
    assert.equal(await replay(page, 'Use the cookies from elsewhere', 'The cookies'), '401');
    assertNoProblems();
    await context.close();
  });

  /** What the page has requested by the time a comment's script would have sent its first request. */
  async function requestsOfRoom(page, query) {
    const requests = [];
    page.on('request', (request) => {
      const { pathname, search } = new URL(request.url());
      if (request.resourceType() === 'fetch') requests.push(`${request.method()} ${pathname}${search}`);
    });
    await page.goto(`${app.origin}/drill/room?${query}`);
    await page.evaluate(async () => {
      // The page has stored the token when it tells the comment's script to start.
      const isReady = () => localStorage.getItem('latchkey_drill') !== null;
      if (!isReady()) await new Promise((resolve) => { addEventListener('drill-ready', resolve); });
      await fetch('/drill/me?from=test');
    });
    return requests;
  }

  const OF_ROOM = 'POST /drill/token';
  const OF_TEST = 'GET /drill/me?from=test';

  for (const [comment, request] of [['steal', 'POST /drill/thief'], ['ride', 'GET /drill/me']]) {
    test(`the CSP of the other pages blocks the script: ${comment}`, async () => {
      // The browser logs what it blocked, as intended.
      const { page, context } = await prepareDrill();
      const guarded = await requestsOfRoom(page, `comment=${comment}&policy=real`);
      assert.deepEqual(guarded, [OF_ROOM, OF_TEST]);
      await page.locator('#outcome', { hasText: 'The browser refused to run' }).waitFor();
      await page.getByRole('link', { name: 'See what the thief received' }).click();
      await page.waitForURL(/\/drill#desk$/);
      await page.getByText('Nothing has arrived.').waitFor();
      // Without that CSP, the script would have sent this.
      await page.evaluate(() => localStorage.clear());
      const unguarded = await requestsOfRoom(page, `comment=${comment}`);
      assert.ok(unguarded.includes(request), unguarded.join());
      await context.close();
    });
  }

  test('an injected script cannot reach the account, the API or other cookies', async () => {
    const { page, context } = await openWindow(browser);
    await signIn(page, app, 'Google', 'Ada Lovelace');
    await page.goto(`${app.origin}/drill`);
    await page.getByRole('button', { name: 'Set the scene' }).click();
    await page.getByRole('link', { name: 'Steal', exact: true }).waitFor();
    await page.goto(`${app.origin}/drill/room`);
    // As if an attacker had injected another script.
    const found = await page.evaluate(async (origin) => {
      const fetched = await fetch(`${origin}/account`).then((answer) => answer.text(), () => 'refused');
      const api = await fetch(`${origin}/api/v1/me`).then((answer) => answer.text(), () => 'refused');
      return { fetched, api, opened: window.open(`${origin}/account`) === null, cookies: document.cookie };
    }, app.origin);
    assert.equal(found.fetched, 'refused');
    assert.equal(found.api, 'refused');
    assert.equal(found.opened, true, 'no window can be opened');
    assert.match(found.cookies, /^latchkey_drill_open_\d+=[\w-]+$/, 'only its own cookie is readable');
    await context.close();
  });

  test('without JavaScript, the pages say so, and the drill can be tidied up', async () => {
    const { page, context, assertNoProblems } = await prepareDrill({ javaScriptEnabled: false });
    await page.goto(`${app.origin}/drill/room?comment=steal`);
    assert.match(await page.locator('#outcome').innerText(), /^No script has run\..* scripts are off/);
    await page.goto(`${app.origin}/drill`);
    await page.getByText('If yours are off').waitFor();
    await page.getByText('Nothing has arrived.').waitFor();
    assert.equal(await page.getByRole('button', { name: /from elsewhere$/ }).count(), 0);
    assert.equal((await context.cookies(`${app.origin}/drill`)).length, 3);
    await page.getByRole('button', { name: 'Tidy up' }).click();
    await page.getByRole('button', { name: 'Set the scene' }).waitFor();
    assert.deepEqual(await context.cookies(`${app.origin}/drill`), []);
    assertNoProblems();
    await context.close();
  });
});
