// A provider that redirects to another origin, as brokers do: Chromium applies
// `form-action` to every redirect after a form is submitted.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import { signIn } from '../lib/sign-in.mjs';

/** A server on its own port, which is another origin. */
async function serve(answer) {
  const server = createServer((request, response) => answer(origin, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${server.address().port}`;
  const stop = () => { server.closeAllConnections(); server.close(); };
  return { origin, stop };
}

describe('a provider that redirects to another origin', () => {
  let app;
  let browser;
  let broker;
  let target;
  before(async () => {
    target = await serve((_, request, response) => {
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>x</title><h1>Who are you?</h1>');
    });
    broker = await serve((origin, request, response) => {
      if (request.url.startsWith('/authorize')) {
        response.writeHead(302, { location: `${target.origin}/login` }).end();
        return;
      }
      response.setHeader('content-type', 'application/json').end(JSON.stringify({
        issuer: origin,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        jwks_uri: `${origin}/jwks`,
        userinfo_endpoint: `${origin}/userinfo`,
      }));
    });
    [app, browser] = await Promise.all([
      startLatchkey({
        OIDC_ACME_ISSUER: broker.origin, OIDC_ACME_CLIENT_ID: 'id', OIDC_ACME_CLIENT_SECRET: 'hush',
      }),
      launchChromium(),
    ]);
  });
  after(async () => { await browser?.close(); await app?.stop(); broker?.stop(); target?.stop(); });

  const assertRedirected = async (page) => {
    await page.waitForURL(`${target.origin}/login`);
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'Who are you?');
  };

  // Before and after Latchkey has fetched the discovery document.
  for (const attempt of ['first', 'second']) {
    test(`the ${attempt} sign-in follows the redirect`, async () => {
      const window = await openWindow(browser, { thirdParty: target.origin });
      await window.page.goto(`${app.origin}/sign-in`);
      await window.page.getByRole('button', { name: 'Continue with Acme' }).click();
      await assertRedirected(window.page);
      window.assertNoProblems();
    });
  }

  test('linking and connecting follow the redirect', async () => {
    const window = await openWindow(browser, { thirdParty: target.origin });
    const { page } = window;
    await signIn(page, app, 'Google', 'Ada Lovelace');
    await page.locator('form[action="/account/link/acme"] button').click();
    await assertRedirected(page);
    await page.goto(`${app.origin}/connections`);
    const form = page.locator('form[action="/connections/acme"]');
    await form.locator('input[type=checkbox]').first().check();
    await form.getByRole('button').first().click();
    await assertRedirected(page);
    window.assertNoProblems();
  });
});
