// Verifies an access token with npm `jose` and the JWKS, and checks that altered tokens and
// another audience are rejected.
//
//   node verify.mjs <origin> <algorithm> <token>
import assert from 'node:assert/strict';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

const [origin, algorithm, token] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', origin));
const options = {
  issuer: origin,
  audience: `${origin}/api`,
  typ: 'at+jwt',
  algorithms: [algorithm],
  requiredClaims: [
    'iss', 'aud', 'sub', 'client_id', 'iat', 'nbf', 'exp', 'jti', 'sid', 'scope', 'roles',
    'auth_time', 'amr',
  ],
};

const { payload, protectedHeader } = await jwtVerify(token, keys, options);
assert.equal(protectedHeader.alg, algorithm);
assert.equal(payload.exp - payload.iat, 900);
assert.deepEqual(payload.amr, ['pwd']);

const [header, claims, signature] = token.split('.');
const changed = Buffer.from(JSON.stringify({ ...payload, roles: ['owner'] })).toString('base64url');
const flipped = Buffer.from(signature, 'base64url');
flipped[flipped.length >> 1] ^= 1;
for (const tampered of [
  [header, changed, signature].join('.'),
  [header, claims, flipped.toString('base64url')].join('.'),
]) {
  await assert.rejects(jwtVerify(tampered, keys, options), errors.JWSSignatureVerificationFailed);
}
await assert.rejects(
  jwtVerify(token, keys, { ...options, audience: origin }),
  errors.JWTClaimValidationFailed,
);
console.log(`jose: ${algorithm} verified, altered tokens rejected`);
