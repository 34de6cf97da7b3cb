//! Every error that the app can show: code, status, who can fix it, and the texts.

use http::StatusCode;

/// Who can fix an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    You,
    SiteOwner,
    Provider,
}

impl Owner {
    pub const ALL: [Self; 3] = [Self::You, Self::SiteOwner, Self::Provider];

    /// The name on a page.
    pub const fn name(self) -> &'static str {
        match self {
            Self::You => "You",
            Self::SiteOwner => "The site’s owner",
            Self::Provider => "The provider",
        }
    }

    pub fn is(&self, other: &Self) -> bool {
        self == other
    }
}

/// One kind of error. `{provider}` in a text stands for the provider's name.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    pub code: &'static str,
    pub status: StatusCode,
    /// Who can fix it; `None` if there is nothing to fix.
    pub owner: Option<Owner>,
    pub title: &'static str,
    pub cause: &'static str,
    pub next: &'static str,
}

/// The code of an entry is its name in lower case.
macro_rules! code {
    ($name:ident) => {{
        const CODE: &[u8] = &lowercase::<{ stringify!($name).len() }>(stringify!($name));
        match std::str::from_utf8(CODE) {
            Ok(code) => code,
            Err(_) => stringify!($name),
        }
    }};
}

const fn lowercase<const N: usize>(name: &str) -> [u8; N] {
    let mut code = [0; N];
    code.copy_from_slice(name.as_bytes());
    code.make_ascii_lowercase();
    code
}

macro_rules! catalogue {
    ($($name:ident: $status:ident, $owner:expr, $title:literal, $cause:literal, $next:literal;)*) => {
        $(
            #[doc = $title]
            pub const $name: &Entry = &Entry {
                code: code!($name),
                status: StatusCode::$status,
                owner: $owner,
                title: $title,
                cause: $cause,
                next: $next,
            };
        )*

        /// Every entry, in the order of this file.
        pub const ALL: &[&Entry] = &[$($name),*];
    };
}

const YOU: Option<Owner> = Some(Owner::You);
const SITE: Option<Owner> = Some(Owner::SiteOwner);
const PROVIDER: Option<Owner> = Some(Owner::Provider);

catalogue! {
    // Signing in at a provider.
    PROVIDER_DECLINED: BAD_REQUEST, None, "You did not sign in",
        "You declined at {provider}, so nothing was shared and you were not signed in.",
        "Nothing is wrong. Sign in again if you change your mind, or choose another sign-in method.";
    ATTEMPT_UNKNOWN: BAD_REQUEST, YOU, "This sign-in did not start here",
        "The link back from {provider} does not belong to a sign-in that started here, so it was ignored.",
        "Start again on the sign-in page. Don’t follow sign-in links that others send you.";
    ATTEMPT_COOKIE_MISSING: BAD_REQUEST, YOU, "The sign-in cookie is missing",
        "This sign-in at {provider} seems to have started in this browser, but its cookie is gone: cookies were deleted or are blocked.",
        "Allow cookies for this site and start again.";
    ATTEMPT_OTHER_BROWSER: BAD_REQUEST, YOU, "This sign-in started in another browser",
        "This sign-in at {provider} started in another browser, and only that browser can finish it.",
        "Start again here, or go back to the other browser. Don’t follow sign-in links that others send you.";
    ATTEMPT_EXPIRED: BAD_REQUEST, YOU, "This sign-in took too long",
        "You came back from {provider} more than 10 minutes after you started, so the sign-in has expired.",
        "Sign in again.";
    ATTEMPT_USED: BAD_REQUEST, YOU, "This sign-in is already finished",
        "The link back from {provider} works once, and this browser has already used it, perhaps by Back or reload.",
        "If you are signed in, carry on. Otherwise sign in again.";
    PROVIDER_RESPONSE_INVALID: BAD_REQUEST, YOU,
        "The response from {provider} was not valid",
        "The response that came back through your browser failed a security check, so it was rejected.",
        "Start again on the sign-in page. If it keeps happening, tell the site’s owner.";
    FORM_POST_UNEXPECTED: BAD_REQUEST, SITE, "{Provider} sent an unexpected form",
        "The response from {provider} came as a form (response_mode=form_post), which this site does not expect from it.",
        "Choose another sign-in method. The site’s owner can set …_RESPONSE_MODE=form_post for this provider.";
    PROVIDER_REFUSED: BAD_GATEWAY, SITE, "{Provider} refused the request",
        "{Provider} answered the sign-in request with an error instead of a code.",
        "Try again, or choose another sign-in method. The site’s owner can look up the error below.";
    PROVIDER_TIMEOUT: GATEWAY_TIMEOUT, PROVIDER, "{Provider} did not answer in time",
        "{Provider} did not tell us who you are within 8 seconds.",
        "Wait a moment and try again, or choose another sign-in method.";
    PROVIDER_UNREACHABLE: BAD_GATEWAY, PROVIDER, "{Provider} cannot be reached",
        "{Provider} could not be reached, or the connection broke.",
        "Wait a moment and try again, or choose another sign-in method.";
    PROVIDER_DOWN: SERVICE_UNAVAILABLE, PROVIDER, "{Provider} is unavailable",
        "{Provider} says that it cannot handle the request right now.",
        "Wait a moment and try again, or choose another sign-in method.";
    PROVIDER_NONSENSE: BAD_GATEWAY, PROVIDER, "{Provider} sent an invalid response",
        "{Provider} sent something that the standard does not allow, so it was rejected.",
        "Try again, or choose another sign-in method. If it keeps happening, the site’s owner can show the provider the details below.";
    CODE_REFUSED: BAD_REQUEST, YOU, "{Provider} did not accept the code",
        "The code your browser brought back had already been used or had expired when it was sent to {provider}.",
        "Sign in again; you get a new code each time.";
    TOKEN_EXCHANGE_REFUSED: BAD_GATEWAY, SITE,
        "{Provider} did not accept this site",
        "{Provider} refused to exchange the code: it does not recognize this site’s client ID, secret or redirect URI.",
        "Choose another sign-in method. The site’s owner must register exactly the redirect URI below, check the client ID and secret, and if they are right set …_TOKEN_AUTH to the way the provider expects them: basic or body.";
    ID_TOKEN_REFUSED: BAD_GATEWAY, PROVIDER, "{Provider} could not prove who you are",
        "The ID token from {provider} failed a check, so it was rejected and you were not signed in.",
        "Try again, or choose another sign-in method.";
    PROVIDER_DID_NOT_ASK: FORBIDDEN, YOU,
        "{Provider} did not ask you to sign in",
        "{Provider} did not confirm that it had just asked you to sign in, so it did not prove that this is you.",
        "Choose another way to prove it: your password, or a code by e-mail. Or sign out at {provider} and try again.";
    CLOCK_SKEW: BAD_GATEWAY, SITE, "A clock is wrong",
        "The ID token from {provider} is too old or too new: this site’s clock and {provider}’s differ by more than a minute.",
        "Choose another sign-in method. The site’s owner must correct this machine’s clock, ideally with NTP.";
    EMAIL_TAKEN: CONFLICT, YOU, "You already have an account",
        "The e-mail address from {provider} belongs to an account with another sign-in method. An address alone never opens an account.",
        "Sign in the way you did before.";
    IDENTITY_TAKEN: CONFLICT, YOU, "This identity belongs to another account",
        "The identity at {provider} is linked to another account, so it cannot be linked to yours.",
        "Sign in with it to see that account. To link it here, unlink it there first.";
    LAST_WAY_IN: CONFLICT, YOU, "This is your only sign-in method",
        "Without it you could no longer get into your account.",
        "Link another provider or set a password first.";
    LINK_LOST: BAD_REQUEST, YOU, "There is nothing to link",
        "The identity was not linked within ten minutes, or another user has signed in since.",
        "Sign in and start again on your account page.";
    UNKNOWN_PROVIDER: NOT_FOUND, YOU, "Unknown provider",
        "This site has no provider with this name.",
        "Choose a sign-in method on the sign-in page.";

    // Signing in here.
    WRONG_CREDENTIALS: UNAUTHORIZED, YOU, "Wrong e-mail or password",
        "No account matches this e-mail address and password.",
        "Check both and try again. If you signed up with a provider such as Google, use its button.";
    WRONG_PASSWORD: FORBIDDEN, YOU, "Wrong password",
        "To change your password, you need your current one, and this is not it.",
        "Try again. If you forgot it, reset it from the sign-in page.";
    WEAK_PASSWORD: UNPROCESSABLE_ENTITY, YOU, "This password is too easy to guess",
        "The new password is too short, or one of the first that an attacker would try.",
        "Choose another: a sentence is easier to remember and harder to guess.";
    EMAIL_MISSING: CONFLICT, YOU, "Your account has no e-mail address",
        "You sign in with a password and an e-mail address, and your account has no address.",
        "Link a provider that knows your e-mail address first.";
    PASSWORD_EMAIL_TAKEN: CONFLICT, YOU, "This address belongs to another account",
        "Another account signs in with your address and a password, and you have not verified that the address is yours.",
        "Verify your address first: send the e-mail from your account page.";
    FRESH_PROOF_REQUIRED: FORBIDDEN, YOU, "Please sign in again",
        "This is a sensitive action, and you last signed in more than 10 minutes ago, or your provider did not say when.",
        "Sign in again, then repeat the action.";
    WRONG_CODE: FORBIDDEN, YOU, "This code does not work",
        "The code is wrong, was already used, is more than 10 minutes old, or was requested in another browser.",
        "Check it and type it again, or request a new one.";
    EMAIL_UNVERIFIED: CONFLICT, YOU, "Your address is not verified",
        "A code only proves something at an address that you have verified, and your account has none.",
        "Verify your address on your account page first.";
    NOT_CONFIRMED: UNPROCESSABLE_ENTITY, YOU, "Nothing was deleted",
        "To delete your account, type the word delete. You typed something else.",
        "Go back and type it if you are sure.";
    LINK_SPENT: GONE, YOU, "This link no longer works",
        "Links in e-mails work once and for a short time. This one was used, has expired or is incomplete.",
        "Request a new e-mail.";
    TOO_MANY_TRIES: TOO_MANY_REQUESTS, YOU, "Too many attempts",
        "There were too many attempts from your network or for this account.",
        "Wait a moment and try again.";
    BUSY: SERVICE_UNAVAILABLE, SITE, "Too many people are signing in",
        "Checking a password takes work on purpose, and the queue is full.",
        "Wait a few seconds and try again.";
    TOO_MANY_CONNECTIONS: SERVICE_UNAVAILABLE, SITE, "Too many connections",
        "Your network, or all visitors together, have more connections open than this site allows.",
        "Wait a few seconds and try again. Behind a proxy, the site’s owner must set TRUSTED_PROXIES.";
    VALIDATION_FAILED: UNPROCESSABLE_ENTITY, YOU, "Some fields are invalid",
        "One or more fields are missing or invalid; each is listed with the reason.",
        "Correct the fields and send it again.";

    // Tokens on the API.
    TOKEN_MISSING: UNAUTHORIZED, YOU, "No valid credential was sent",
        "The request has no Authorization: Bearer header, and no cookie of a sign-in that is still valid.",
        "Send a token in the Authorization header, or sign in with a browser.";
    TOKEN_IN_URL: BAD_REQUEST, YOU, "Tokens must not be in URLs",
        "URLs end up in histories, logs and Referer headers, so a token in one is refused, valid or not.",
        "Send it in the Authorization header, and treat this token as stolen.";
    AUTHORIZATION_INVALID: BAD_REQUEST, YOU,
        "More than one Authorization header",
        "Two headers may contradict each other, so neither is used.",
        "Send exactly one.";
    TOKEN_REVOKED: UNAUTHORIZED, YOU, "The sign-in was revoked",
        "The token’s sign-in was revoked before the token expired.",
        "Sign in again.";
    TOKEN_TOO_LARGE: UNAUTHORIZED, YOU, "The token is too large",
        "The token is larger than any issued here.",
        "Send the access token as it was issued.";
    TOKEN_MALFORMED: UNAUTHORIZED, YOU, "The token is not a JWT",
        "The token is not a signed JSON Web Token: three base64url parts separated by dots.",
        "Send the whole access token, not the refresh token.";
    TOKEN_HEADER_DUPLICATE: UNAUTHORIZED, YOU, "The token’s header repeats a name",
        "A header that names something twice is ambiguous, so it is rejected.",
        "Get a new token.";
    TOKEN_HEADER_INVALID: UNAUTHORIZED, YOU, "The token’s header is invalid",
        "The header does not name an algorithm and a key in the form used here.",
        "Get a new token.";
    TOKEN_ALGORITHM_NONE: UNAUTHORIZED, YOU, "The token is not signed",
        "The token’s header says it is unsigned, so anyone could have written it.",
        "Get a new token.";
    TOKEN_CRITICAL_HEADER: UNAUTHORIZED, YOU, "The token requires an extension",
        "The token’s header marks an extension as critical that is not supported here.",
        "Get a new token.";
    TOKEN_KEY_EMBEDDED: UNAUTHORIZED, YOU, "The token brings its own key",
        "Only this service’s keys count; a key that comes with a token proves nothing.",
        "Get a new token.";
    TOKEN_TYPE_WRONG: UNAUTHORIZED, YOU, "Wrong type of token",
        "The token is not an access token: its type is not at+jwt.",
        "Send the access token, not an ID token.";
    TOKEN_KEY_UNKNOWN: UNAUTHORIZED, YOU, "The token’s key is unknown",
        "The token is signed with a key that is unknown or no longer accepted.",
        "Get a new token.";
    TOKEN_ALGORITHM_MISMATCH: UNAUTHORIZED, YOU, "The token names the wrong algorithm",
        "Each key has one algorithm, and the token names a different one.",
        "Get a new token.";
    TOKEN_SIGNATURE_INVALID: UNAUTHORIZED, YOU, "The token was altered",
        "The token’s signature does not match its content.",
        "Get a new token.";
    TOKEN_CLAIM_DUPLICATE: UNAUTHORIZED, YOU, "The token repeats a claim",
        "A claim that appears twice is ambiguous, so the token is rejected.",
        "Get a new token.";
    TOKEN_CLAIM_MISSING: UNAUTHORIZED, YOU, "The token lacks a claim",
        "A claim that every access token must have is missing.",
        "Get a new token.";
    TOKEN_CLAIM_INVALID: UNAUTHORIZED, YOU, "A claim of the token is invalid",
        "A claim has the wrong type.",
        "Get a new token.";
    TOKEN_ISSUER_WRONG: UNAUTHORIZED, YOU, "The token has the wrong issuer",
        "The token was issued by another service.",
        "Get a token from this service.";
    TOKEN_AUDIENCE_WRONG: UNAUTHORIZED, YOU, "The token is for another service",
        "The token’s audience is another service.",
        "Get a token for this service.";
    TOKEN_EXPIRED: UNAUTHORIZED, YOU, "This access token has expired",
        "Access tokens live for a few minutes only.",
        "Use the refresh token, or sign in again.";
    TOKEN_NOT_YET_VALID: UNAUTHORIZED, YOU, "The token is not valid yet",
        "The token’s validity starts in the future.",
        "Compare the clocks and try again later.";
    TOKEN_INACTIVE: UNAUTHORIZED, YOU, "The token is not active",
        "The authorization server does not confirm the token: it was revoked, has expired or was never issued.",
        "Get a new token from the authorization server. If it refuses, ask the user for consent again.";
    ACCOUNT_UNKNOWN: FORBIDDEN, YOU, "The user has no account here",
        "The token is valid, but the user it stands for has no account here, and an app cannot create one.",
        "Ask the user to sign in here once with that identity, then send the request again.";
    INTROSPECTION_UNAVAILABLE: SERVICE_UNAVAILABLE, PROVIDER,
        "The token cannot be checked right now",
        "Only the authorization server that issued the token can confirm it, and it did not give a usable response. Until it does, the token is refused.",
        "Wait a moment and send the request again. Sessions and JWTs still work.";
    ACCESS_NOT_ENDED: SERVICE_UNAVAILABLE, PROVIDER, "The access could not be revoked",
        "The authorization server that manages your apps did not give a usable response. Nothing has changed.",
        "Wait a moment and try again. Until it responds, apps have no access either.";
    INSUFFICIENT_SCOPE: FORBIDDEN, YOU, "The token’s scope is too narrow",
        "The request needs a scope that the token does not have.",
        "Get a token with the required scope.";
    ROLE_REQUIRED: FORBIDDEN, YOU, "You need another role",
        "This is for users with a role that you do not have.",
        "Ask the site’s owner for the role.";
    INVALID_SCOPE: BAD_REQUEST, YOU, "Unknown scope",
        "You asked for a scope that does not exist here.",
        "Ask for some of profile, calendar:read, contacts:read and contacts:write.";
    REFRESH_TOKEN_UNKNOWN: BAD_REQUEST, YOU, "The refresh token is unknown",
        "This refresh token was not issued here, or was deleted long ago.",
        "Sign in again.";
    REFRESH_TOKEN_EXPIRED: BAD_REQUEST, YOU, "The refresh token has expired",
        "However often it is refreshed, a family of refresh tokens expires in the end.",
        "Sign in again.";
    REFRESH_TOKEN_ENDED: BAD_REQUEST, YOU, "The sign-in was revoked",
        "The sign-in that this refresh token belongs to was revoked.",
        "Sign in again.";
    REFRESH_TOKEN_REUSED: BAD_REQUEST, YOU, "The refresh token was used before",
        "It was already exchanged, so two parties may hold tokens of this family. An exchange whose response was lost can be repeated for ten seconds. The whole family and its sign-in were revoked.",
        "Sign in again. If your client neither used it twice nor lost a response, it was stolen.";

    TOO_MANY_CONTACTS: CONFLICT, YOU, "Your address book is full",
        "You have 1,000 contacts, which is the limit.",
        "Delete some that you do not need.";

    // Connected services.
    NOT_CONNECTED: NOT_FOUND, YOU, "{Provider} is not connected",
        "There is no connection to {provider} to use or disconnect.",
        "Connect it first.";
    NOTHING_CHOSEN: BAD_REQUEST, YOU, "Nothing was chosen",
        "You ticked no box, so there is nothing to request from {provider}.",
        "Tick what this site may use, and try again.";
    NOT_GRANTED: FORBIDDEN, YOU, "You have not allowed that",
        "{Provider} is connected, but you did not allow this there.",
        "Request access on your connections page, and allow it at {provider}.";
    RECONNECT_NEEDED: CONFLICT, YOU, "Reconnect {provider}",
        "{Provider} no longer accepts this connection’s tokens.",
        "Connect it again: only you can grant access.";
    CONNECTION_LOST: BAD_REQUEST, YOU, "A different user started this",
        "The response belongs to a user who is no longer signed in here, so nothing was connected.",
        "Sign in as that user and connect again.";
    STILL_DISCONNECTING: CONFLICT, YOU, "Still disconnecting",
        "{Provider} has not yet confirmed that the previous connection’s tokens are revoked. A new one might be revoked with them.",
        "Wait a moment and try again. We keep asking {provider}.";
    TOKEN_BEING_RENEWED: SERVICE_UNAVAILABLE, SITE,
        "The access token is being refreshed",
        "Another request is getting a new access token from {provider}.",
        "Wait a moment and try again.";
    SERVICE_TIMEOUT: GATEWAY_TIMEOUT, PROVIDER, "{Provider} did not answer in time",
        "{Provider} did not send your data within 8 seconds.",
        "Wait a moment and try again. Your sign-in and your connection are unaffected.";
    SERVICE_UNAVAILABLE: BAD_GATEWAY, PROVIDER, "{Provider} returned no data",
        "{Provider} was asked for your data, and sent nothing that can be shown.",
        "Wait a moment and try again. Your sign-in and your connection are unaffected.";
    SITE_NOT_ACCEPTED: BAD_GATEWAY, SITE, "{Provider} does not accept this site",
        "{Provider} refused to refresh the access token because it does not recognize this site’s client ID or secret.",
        "The site’s owner must check the client ID and secret. Your connection is unaffected.";

    // Every request.
    SIGN_IN_REQUIRED: UNAUTHORIZED, YOU, "Please sign in",
        "You need to be signed in to see this page.",
        "Sign in, and you will come back here. If you just did, allow cookies for this site.";
    ACCOUNT_BLOCKED: FORBIDDEN, SITE, "This account is blocked",
        "The site’s owner has blocked this account, so nobody can sign in to it.",
        "Ask the site’s owner.";
    CROSS_SITE_REQUEST: FORBIDDEN, YOU, "That request came from another site",
        "A page on another site tried to act here on your behalf, and was blocked.",
        "If you meant to do it, do it from a page on this site.";
    UNKNOWN_HOST: MISDIRECTED_REQUEST, YOU, "Unknown host name",
        "In development, only the names of this machine work. Otherwise a page on the web could point its own name at this machine and read the responses (DNS rebinding).",
        "Open the address in PUBLIC_URL. To use another name, set PUBLIC_URL to it.";
    BAD_REQUEST: BAD_REQUEST, YOU, "That request is not valid",
        "Something in the request is missing, repeated or wrong.",
        "Go back, reload the page and try again.";
    NOT_FOUND: NOT_FOUND, YOU, "Not found",
        "There is nothing at this address; it may have been mistyped.",
        "Check the address, or start from the home page.";
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED, YOU, "This address does not work that way",
        "The address exists, but not for this method. Perhaps you opened a form’s address as a page.",
        "Start from the home page.";
    UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE, YOU, "Unsupported content type",
        "This address does not accept the request’s Content-Type.",
        "Send a form to a page, and application/json to the API.";
    TOO_LARGE: PAYLOAD_TOO_LARGE, YOU, "Request too large",
        "The request is larger than this address accepts.",
        "Send less.";
    REQUEST_TIMEOUT: REQUEST_TIMEOUT, YOU, "The request took too long",
        "The request did not arrive in time.",
        "Try again.";
    ANSWER_TIMEOUT: GATEWAY_TIMEOUT, SITE, "This took too long",
        "There was no response in time, most likely because another service is slow.",
        "Wait a moment and try again.";
    DATABASE_UNAVAILABLE: SERVICE_UNAVAILABLE, SITE,
        "The database is unavailable",
        "The database does not answer, so we cannot tell who you are. Nothing was lost.",
        "Wait a moment and try again.";
    SIGNING_UNAVAILABLE: SERVICE_UNAVAILABLE, SITE,
        "We cannot sign you in right now",
        "The APP_SECRET of this instance decrypts no key that signs tokens.",
        "Wait a moment and try again. The site’s owner must give every instance both the new APP_SECRET and the old one.";
    INTERNAL_ERROR: INTERNAL_SERVER_ERROR, SITE, "Something went wrong",
        "An internal error occurred. It was logged under the request ID below.",
        "Try again. If it keeps happening, send the request ID to the site’s owner.";
}

pub fn by_code(code: &str) -> Option<&'static Entry> {
    ALL.iter().copied().find(|entry| entry.code == code)
}

/// The entry for a status that came without an error, for example from the framework.
pub fn by_status(status: StatusCode) -> &'static Entry {
    match status {
        StatusCode::NOT_FOUND => NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED => METHOD_NOT_ALLOWED,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => UNSUPPORTED_MEDIA_TYPE,
        StatusCode::PAYLOAD_TOO_LARGE => TOO_LARGE,
        StatusCode::REQUEST_TIMEOUT => REQUEST_TIMEOUT,
        StatusCode::GATEWAY_TIMEOUT => ANSWER_TIMEOUT,
        status if status.is_client_error() => BAD_REQUEST,
        _ => INTERNAL_ERROR,
    }
}

impl Entry {
    /// Fills in the provider's name, or "the provider".
    pub fn about(text: &str, provider: Option<&str>) -> String {
        text.replace("{Provider}", provider.unwrap_or("The provider"))
            .replace("{provider}", provider.unwrap_or("the provider"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_codes_are_unique_and_url_safe() {
        for entry in ALL {
            let same = ALL.iter().filter(|other| other.code == entry.code).count();
            assert_eq!(same, 1, "{}", entry.code);
            assert!(
                entry.code.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
                "{}",
                entry.code
            );
            for text in [entry.title, entry.cause, entry.next] {
                assert!(!Entry::about(text, None).contains('{'), "{text}");
            }
            for sentence in [entry.cause, entry.next] {
                assert!(sentence.ends_with('.'), "{sentence}");
            }
        }
    }

    #[test]
    fn provider_errors_are_5xx_and_client_errors_4xx() {
        for entry in ALL.iter().filter(|entry| entry.owner == PROVIDER) {
            assert!(matches!(entry.status.as_u16(), 502..=504), "{}", entry.code);
        }
        for entry in ALL.iter().filter(|entry| entry.owner == YOU) {
            assert!(entry.status.is_client_error(), "{}", entry.code);
        }
    }
}
