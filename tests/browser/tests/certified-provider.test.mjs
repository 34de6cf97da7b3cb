// Signing in at a third-party provider.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { launchChromium, openWindow } from '../lib/chromium.mjs';
import { startLatchkey } from '../lib/latchkey.mjs';
import { startProvider, variables } from '../lib/provider.mjs';
import { assertSignedInAs, assertSignedOut, signOut } from '../lib/sign-in.mjs';

/** Signs in with the pages of oidc-provider. */
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

  test('signs a user in and out', async () => {
    const window = await openWindow(browser, { thirdParty: provider.issuer });
    const { page } = window;
    await signInAt(provider, app, page, 'jane');
    await assertSignedInAs(page, app, 'jane of Acme');
    assert.ok((await page.getByRole('main').innerText()).includes('jane@acme.test'));
    await signOut(page);
    await assertSignedOut(page, app);
    window.assertNoProblems();
  });

  test('the same user keeps one account, another user gets another', async () => {
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

  test('re-authentication asks for the password again', async () => {
    const window = await openWindow(browser, { thirdParty: provider.issuer });
    const { page } = window;
    await signInAt(provider, app, page, 'jane');
    await page.goto(`${app.origin}/sign-in?again=1&next=%2Faccount`);
    await page.getByRole('button', { name: 'Continue with Acme' }).click();
    // Jane is signed in there, but must enter her password again.
    await page.waitForURL(`${provider.issuer}/**`);
    await page.getByPlaceholder('and password').fill('any');
    await page.getByPlaceholder('Enter any login').fill('jane');
    await page.getByRole('button', { name: 'Sign-in' }).click();
    await page.waitForURL(`${app.origin}/account`);
    await assertSignedInAs(page, app, 'jane of Acme');
    window.assertNoProblems();
  });

  test('canceling at the provider is not an error', async () => {
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

const jwk = (type, options) => generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' });

for (const [behavior, client, configuration, settings] of [
  ['accepts the client secret only in the body',
    { token_endpoint_auth_method: 'client_secret_post' },
    { clientAuthMethods: ['client_secret_post'] }],
  ['signs ID tokens with ES256', { id_token_signed_response_alg: 'ES256' },
    { jwks: { keys: [jwk('ec', { namedCurve: 'P-256' })] } }],
  ['signs ID tokens with EdDSA', { id_token_signed_response_alg: 'EdDSA' },
    { jwks: { keys: [jwk('ed25519')] }, enabledJWA: { idTokenSigningAlgValues: ['EdDSA'] } }],
  ['signs ID tokens with PS256', { id_token_signed_response_alg: 'PS256' },
    { jwks: { keys: [jwk('rsa', { modulusLength: 2048 })] }, enabledJWA: { idTokenSigningAlgValues: ['PS256'] } }],
  ['responds with form_post', {}, {}, { OIDC_ACME_RESPONSE_MODE: 'form_post' }],
  ['signs its UserInfo response', { userinfo_signed_response_alg: 'RS256' },
    { features: { jwtUserinfo: { enabled: true } } }],
]) {
  test(`signs in at a provider that ${behavior}`, async () => {
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
