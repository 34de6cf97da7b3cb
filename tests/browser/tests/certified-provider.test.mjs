// Signing in at a third-party provider.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import { startProvider, variables } from '../lib/provider.mjs';
import { assertSignedInAs, assertSignedOut, signOut } from '../lib/sign-in.mjs';

/** Uses the pages of oidc-provider. */
async function signInAt(provider, app, page, login) {
  await page.goto(`${app.origin}/sign-in`);
  await page.getByRole('button', { name: 'Continue with Acme' }).click();
  await page.waitForURL(`${provider.issuer}/**`);
  await page.getByPlaceholder('Enter any login').fill(login);
  await page.getByPlaceholder('and password').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.waitForURL(`${app.origin}/account`);
}

describe('npm oidc-provider as OIDC_ACME_ISSUER', () => {
  let app;
  let browser;
  let provider;
  before(async () => {
    app = await startLatchkey(async (origin) => {
      provider = await startProvider(origin);
      return variables(provider);
    });
    browser = await launchChromium();
  });
  after(async () => { await browser?.close(); await app?.stop(); await provider?.stop(); });

  test('signs Jane in, and out', async () => {
    const window = await openWindow(browser, { thirdParty: provider.issuer });
    const { page } = window;
    await signInAt(provider, app, page, 'jane');
    await assertSignedInAs(page, app, 'jane of Acme');
    assert.ok((await page.getByRole('main').innerText()).includes('jane@acme.test'));
    await signOut(page);
    await assertSignedOut(page, app);
    window.assertNoProblems();
  });

  test('the same person keeps the same account, another has another', async () => {
    const ids = [];
    for (const login of ['jane', 'jane', 'joe']) {
      const window = await openWindow(browser, { thirdParty: provider.issuer });
      await signInAt(provider, app, window.page, login);
      ids.push(await window.page.locator('dt:text-is("ID") + dd').innerText());
      await window.context.close();
    }
    assert.equal(ids[0], ids[1]);
    assert.notEqual(ids[0], ids[2]);
  });

  test('asks Jane anew when something cannot be undone', async () => {
    const window = await openWindow(browser, { thirdParty: provider.issuer });
    const { page } = window;
    await signInAt(provider, app, page, 'jane');
    await page.goto(`${app.origin}/sign-in?again=1&next=%2Faccount`);
    await page.getByRole('button', { name: 'Continue with Acme' }).click();
    // She is signed in there, but must enter her password again.
    await page.waitForURL(`${provider.issuer}/**`);
    await page.getByPlaceholder('and password').fill('any');
    await page.getByPlaceholder('Enter any login').fill('jane');
    await page.getByRole('button', { name: 'Sign-in' }).click();
    await page.waitForURL(`${app.origin}/account`);
    await assertSignedInAs(page, app, 'jane of Acme');
    window.assertNoProblems();
  });

  test('Cancel at its page is no error', async () => {
    const window = await openWindow(browser, { thirdParty: provider.issuer });
    const { page } = window;
    await page.goto(`${app.origin}/sign-in`);
    await page.getByRole('button', { name: 'Continue with Acme' }).click();
    await page.getByRole('link', { name: 'Cancel' }).click();
    await page.waitForURL(`${app.origin}/auth/acme/callback?*`);
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'You did not sign in');
    window.assertNoProblems();
  });
});

const key = (type, options) => generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' });

for (const [what, client, configuration, settings] of [
  ['takes the secret in the body alone', { token_endpoint_auth_method: 'client_secret_post' },
    { clientAuthMethods: ['client_secret_post'] }],
  ['signs with ES256', { id_token_signed_response_alg: 'ES256' },
    { jwks: { keys: [key('ec', { namedCurve: 'P-256' })] } }],
  ['signs with EdDSA', { id_token_signed_response_alg: 'EdDSA' },
    { jwks: { keys: [key('ed25519')] }, enabledJWA: { idTokenSigningAlgValues: ['EdDSA'] } }],
  ['signs with PS256', { id_token_signed_response_alg: 'PS256' },
    { jwks: { keys: [key('rsa', { modulusLength: 2048 })] }, enabledJWA: { idTokenSigningAlgValues: ['PS256'] } }],
  ['answers with a form', {}, {}, { OIDC_ACME_RESPONSE_MODE: 'form_post' }],
  ['signs its profile as well', { userinfo_signed_response_alg: 'RS256' },
    { features: { jwtUserinfo: { enabled: true } } }],
]) {
  test(`a provider that ${what} is understood as well`, async () => {
    let provider, app, browser;
    try {
      app = await startLatchkey(async (origin) => {
        provider = await startProvider(origin, configuration, client);
        return { ...variables(provider), ...settings };
      });
      browser = await launchChromium();
      const { page } = await openWindow(browser, { thirdParty: provider.issuer });
      await signInAt(provider, app, page, 'jane');
      await assertSignedInAs(page, app, 'jane of Acme');
    } finally {
      await browser?.close();
      await app?.stop();
      await provider?.stop();
    }
  });
}
