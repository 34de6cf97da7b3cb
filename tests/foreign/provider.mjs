// Tests the local provider with npm `openid-client`: discovery, authorization code with
// PKCE, ID token, userinfo, refresh, introspection and revocation.
//
//   node provider.mjs <issuer> <client id> <client secret> <redirect uri>
import assert from 'node:assert/strict';
import * as client from 'openid-client';

const [issuer, id, secret, redirectUri] = process.argv.slice(2);
const insecure = { execute: [client.allowInsecureRequests] }; // http, on loopback

for (const [method, authentication] of [
  ['client_secret_basic', client.ClientSecretBasic(secret)],
  ['client_secret_post', client.ClientSecretPost(secret)],
]) {
  // Both discovery documents describe the same server.
  for (const algorithm of ['oidc', 'oauth2']) {
    const options = { ...insecure, algorithm };
    const server = new URL(issuer);
    await testProvider(await client.discovery(server, id, undefined, authentication, options));
  }
  console.log(`openid-client: complete flow with ${method}`);
}

async function testProvider(config) {
  assert.equal(config.serverMetadata().supportsPKCE(), true);
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'openid email profile',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    access_type: 'offline',
    prompt: 'consent',
    state,
    nonce,
  });
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
  const callback = await allow(url);

  // The client rejects a mismatch before it sends anything.
  const wrongIssuer = new URL(callback);
  wrongIssuer.searchParams.set('iss', 'https://issuer.example.test');
  await assert.rejects(client.authorizationCodeGrant(config, wrongIssuer, checks));

  const tokens = await client.authorizationCodeGrant(config, callback, checks);
  const claims = tokens.claims();
  assert.equal(claims.iss, issuer);
  assert.equal(claims.aud, id);
  assert.equal(claims.email, 'ada@example.test');
  assert.ok(tokens.refresh_token);
  const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  assert.equal(info.name, 'Ada Lovelace');

  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(refreshed.access_token, tokens.access_token);
  assert.equal(refreshed.claims().sub, claims.sub);

  const introspected = await client.tokenIntrospection(config, refreshed.access_token);
  assert.equal(introspected.active, true);
  assert.equal(introspected.sub, claims.sub);
  assert.equal(introspected.client_id, id);
  assert.equal(introspected.scope, 'openid email profile');
  assert.equal(introspected.aud, issuer);

  await client.tokenRevocation(config, tokens.refresh_token);
  await assert.rejects(
    client.refreshTokenGrant(config, tokens.refresh_token),
    (error) => error.error === 'invalid_grant',
  );
  const revoked = await client.tokenIntrospection(config, refreshed.access_token);
  assert.deepEqual(revoked, { active: false });
}

/** What a person does at the consent page: picks Ada and allows everything. */
async function allow(url) {
  assert.equal((await fetch(url)).status, 200);
  const form = new URLSearchParams(url.searchParams);
  form.set('requested_scope', form.get('scope'));
  form.delete('scope');
  for (const scope of url.searchParams.get('scope').split(' ')) form.append('scope', scope);
  form.set('person', 'ada');
  form.set('decision', 'allow');
  const decide = new URL(`${url.pathname}/decide`, url);
  const answer = await fetch(decide, { method: 'POST', body: form, redirect: 'manual' });
  assert.equal(answer.status, 303, await answer.text());
  return new URL(answer.headers.get('location'));
}
