// A provider that redirects to another origin, as brokers do: Chromium applies
// `form-action` to every redirect after a form.

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

describe('a broker in front of the real provider', () => {
  let app;
  let browser;
  let broker;
  let behind;
  before(async () => {
    behind = await serve((_, request, response) => {
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>x</title><h1>Who are you?</h1>');
    });
    broker = await serve((origin, request, response) => {
      if (request.url.startsWith('/authorize')) {
        response.writeHead(302, { location: `${behind.origin}/login` }).end();
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
  after(async () => { await browser?.close(); await app?.stop(); broker?.stop(); behind?.stop(); });

  const arrives = async (page) => {
    await page.waitForURL(`${behind.origin}/login`);
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'Who are you?');
  };

  // Before and after its discovery document was fetched.
  for (const time of ['first', 'second']) {
    test(`whoever signs in for the ${time} time arrives where it sends them`, async () => {
      const window = await openWindow(browser, { thirdParty: behind.origin });
      await window.page.goto(`${app.origin}/sign-in`);
      await window.page.getByRole('button', { name: 'Continue with Acme' }).click();
      await arrives(window.page);
      window.assertNoProblems();
    });
  }

  test('whoever links it or connects to it does as well', async () => {
    const window = await openWindow(browser, { thirdParty: behind.origin });
    const { page } = window;
    await signIn(page, app, 'Google', 'Ada Lovelace');
    await page.locator('form[action="/account/link/acme"] button').click();
    await arrives(page);
    await page.goto(`${app.origin}/connections`);
    const form = page.locator('form[action="/connections/acme"]');
    await form.locator('input[type=checkbox]').first().check();
    await form.getByRole('button').first().click();
    await arrives(page);
    window.assertNoProblems();
  });
});
