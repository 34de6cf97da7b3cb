// npm's certified `oidc-provider`: an independent implementation does not share our bugs.

import { once } from 'node:events';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

export const CLIENT = { id: 'latchkey', secret: 'a-secret-of-32-characters-or-more' };

/** Starts it with Latchkey at `origin` as its only client. */
export async function startProvider(origin, configuration = {}, client = {}) {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: CLIENT.id,
      client_secret: CLIENT.secret,
      redirect_uris: [`${origin}/auth/acme/callback`],
      ...client,
    }],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: `${id} of Acme`, email: `${id}@acme.test`, email_verified: true }),
    }),
    ...configuration,
  });
  server.on('request', provider.callback());
  return {
    issuer,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The environment variables that connect Latchkey to it. */
export const variables = (provider) => ({
  OIDC_ACME_ISSUER: provider.issuer,
  OIDC_ACME_CLIENT_ID: CLIENT.id,
  OIDC_ACME_CLIENT_SECRET: CLIENT.secret,
});
