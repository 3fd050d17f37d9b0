// An authorization server under Microsoft's paths. All of OAuth is oidc-provider's, as are the pages a person sees;
// ours are the listening socket, the configuration, and two paths for the test: /settings and /events.
//
// Arguments: certificate file, key file, client id, tenant, port (0: any). Prints the port when it listens, and ends
// when its standard input does.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import Provider from 'oidc-provider';

// Standard output is for the port alone.
console.info = console.error;

const [certificate, key, clientId, tenant, port] = process.argv.slice(2);
const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) });
await new Promise((listening) => server.listen(Number(port), '127.0.0.1', listening));

const lifetimes = { AccessToken: 3600, DeviceCode: 900 };
const events = [];
const base = `/${tenant}/oauth2/v2.0`;

const provider = new Provider(`https://localhost:${server.address().port}`, {
    clients: [{
        client_id: clientId,
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        response_types: ['code'],
        redirect_uris: ['http://localhost'],
    }],
    routes: {
        authorization: `${base}/authorize`,
        device_authorization: `${base}/devicecode`,
        token: `${base}/token`,
    },
    scopes: ['openid', 'offline_access', 'https://outlook.office.com/SMTP.Send'],
    claims: { email: ['email'] },
    // Microsoft's id_token has the claim, and there is no userinfo request in our flow.
    conformIdTokenClaims: false,
    // The login typed into the page is the mailbox.
    findAccount: (context, id) => ({ accountId: id, claims: () => ({ sub: id, email: id }) }),
    features: {
        devInteractions: { enabled: true },
        deviceFlow: { enabled: true },
        introspection: { enabled: true },
        revocation: { enabled: true },
    },
    // Required of every client; plain is not even known.
    pkce: { required: () => true, methods: ['S256'] },
    // Always, not only in the first part of a token's life. That reuse revokes the grant is built in.
    rotateRefreshToken: true,
    ttl: {
        AccessToken: () => lifetimes.AccessToken,
        DeviceCode: () => lifetimes.DeviceCode,
        Grant: 86400,
        IdToken: 3600,
        Interaction: 3600,
        RefreshToken: 86400,
        Session: 86400,
    },
    cookies: { keys: [randomBytes(32).toString('hex')] },
});

const note = (name) => provider.on(name, (context, error) => events.push({
    name,
    grant_type: context.oidc?.params?.grant_type,
    error: error?.error,
}));
['grant.success', 'grant.error', 'grant.revoked', 'authorization.success', 'authorization.error'].forEach(note);
provider.on('server_error', (context, error) => console.error(error));

provider.use(async (context, next) => {
    if (context.path === '/events') {
        context.body = events;
        return;
    }
    if (context.path === '/settings') {
        for (const [name, seconds] of Object.entries(context.query)) {
            lifetimes[name] = Number(seconds);
        }
        context.body = lifetimes;
        return;
    }
    // Microsoft's select_account is not OpenID's; and for offline_access OpenID wants consent, Microsoft does not.
    if (context.path === `${base}/authorize` && context.method === 'GET') {
        context.query = { ...context.query, prompt: 'consent' };
    }
    await next();
});

server.on('request', provider.callback());
console.log(server.address().port);
process.stdin.resume().on('end', () => process.exit(0));
