//! The catalogue: every error that the app can show, each once.

use http::StatusCode;

/// Who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    You,
    SiteOwner,
    Provider,
}

impl Owner {
    pub const ALL: [Self; 3] = [Self::You, Self::SiteOwner, Self::Provider];

    /// What to call them on a page.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::You => "You",
            Self::SiteOwner => "The site’s owner",
            Self::Provider => "The provider",
        }
    }

    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self == other
    }
}

/// One error. `{provider}` in a text stands for the provider's name.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its stable name, also in its address under `/errors/`.
    pub code: &'static str,
    pub status: StatusCode,
    /// Who can do something about it; nobody needs to when all is well.
    pub owner: Option<Owner>,
    pub title: &'static str,
    /// What happened, in one plain sentence.
    pub cause: &'static str,
    pub next: &'static str,
}

macro_rules! catalogue {
    ($($name:ident: $status:ident, $owner:expr, $code:literal, $title:literal, $cause:literal, $next:literal;)*) => {
        $(
            #[doc = $title]
            pub const $name: &Entry = &Entry {
                code: $code,
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
    DECLINED: BAD_REQUEST, None, "provider_declined",
        "You did not sign in",
        "You said no at {provider}, so nothing was shared with Latchkey and nobody was signed in.",
        "Nothing is wrong. Sign in again if you change your mind, or choose another way.";
    ATTEMPT_UNKNOWN: BAD_REQUEST, YOU, "attempt_unknown",
        "This sign-in did not begin here",
        "The link back from {provider} belongs to no sign-in that Latchkey sent out, so it was not followed.",
        "Begin again on the sign-in page, and do not follow sign-in links that others send you.";
    ATTEMPT_COOKIE_MISSING: BAD_REQUEST, YOU, "attempt_cookie_missing",
        "The cookie of this sign-in is missing",
        "The sign-in that came back from {provider} seems to have begun in this browser, but its cookie did not come along: cookies were deleted, or are blocked.",
        "Allow cookies for this site, and begin again here.";
    ATTEMPT_OTHER_BROWSER: BAD_REQUEST, YOU, "attempt_other_browser",
        "This sign-in began in another browser",
        "The sign-in that came back from {provider} was begun in another browser, and only that one can finish it.",
        "Begin again here, or go back to the other browser. Do not follow sign-in links that others send you.";
    ATTEMPT_EXPIRED: BAD_REQUEST, YOU, "attempt_expired",
        "That took too long",
        "You came back from {provider} more than 10 minutes after you set out, and the sign-in is no longer waiting.",
        "Sign in again; it takes a moment.";
    ATTEMPT_USED: BAD_REQUEST, YOU, "attempt_used",
        "This sign-in is already finished",
        "The link back from {provider} works once, and this browser has used it; Back or reload led here again.",
        "If you are signed in, carry on. Otherwise sign in again.";
    RESPONSE_INVALID: BAD_REQUEST, YOU, "provider_response_invalid",
        "The answer from {provider} was not valid",
        "What came back through your browser breaks a rule that protects you, so it was not believed.",
        "Begin again on the sign-in page. If it keeps happening, tell the site's owner.";
    PROVIDER_REFUSED: BAD_GATEWAY, SITE, "provider_refused",
        "{Provider} refused the request",
        "{Provider} answered the sign-in request with an error instead of a code.",
        "Try again, or choose another way in. The site's owner can look up what the error below means.";
    PROVIDER_TIMEOUT: GATEWAY_TIMEOUT, PROVIDER, "provider_timeout",
        "{Provider} did not answer in time",
        "Latchkey asked {provider} who you are and got no answer within 8 seconds.",
        "Wait a moment and try again, or choose another way in.";
    PROVIDER_UNREACHABLE: BAD_GATEWAY, PROVIDER, "provider_unreachable",
        "{Provider} cannot be reached",
        "Latchkey could not connect to {provider}, or the connection broke.",
        "Wait a moment and try again, or choose another way in.";
    PROVIDER_DOWN: SERVICE_UNAVAILABLE, PROVIDER, "provider_down",
        "{Provider} is out of order",
        "{Provider} answered that it cannot serve the request at the moment.",
        "Wait a moment and try again, or choose another way in.";
    PROVIDER_NONSENSE: BAD_GATEWAY, PROVIDER, "provider_nonsense",
        "{Provider} gave an answer that makes no sense",
        "{Provider} answered something that the standard does not allow, so Latchkey did not believe it.",
        "Try again, or choose another way in. If it keeps happening, the site's owner can show the provider the facts below.";
    CODE_REFUSED: BAD_REQUEST, YOU, "code_refused",
        "{Provider} did not take the code",
        "The code with which your browser came back was used already, or had expired, when Latchkey showed it to {provider}.",
        "Sign in again; a new code is made each time.";
    TOKEN_REFUSED: BAD_GATEWAY, SITE, "token_exchange_refused",
        "{Provider} did not accept this site",
        "{Provider} refused to exchange the code: it does not know this site's client id, secret or redirect URI.",
        "Choose another way in. The site's owner has to register exactly the redirect URI below, and compare the client id and secret.";
    ID_TOKEN_REFUSED: BAD_GATEWAY, PROVIDER, "id_token_refused",
        "{Provider} could not prove who you are",
        "The ID token that {provider} issued failed a check, so Latchkey did not believe it.",
        "Try again, or choose another way in. Nobody was signed in.";
    CLOCK_SKEW: BAD_GATEWAY, SITE, "clock_skew",
        "Two clocks do not agree",
        "The ID token from {provider} is too old or too new, because the clock of this site and the clock of {provider} differ by more than a minute.",
        "Choose another way in. The site's owner has to set the clock of this machine, by NTP at best.";
    EMAIL_TAKEN: CONFLICT, YOU, "email_taken",
        "You already have an account",
        "The e-mail address that {provider} vouches for belongs to an account that is entered another way. An address alone never opens an account.",
        "Sign in the way you did before.";
    IDENTITY_TAKEN: CONFLICT, YOU, "identity_taken",
        "That identity opens another account",
        "The identity at {provider} is a way into another account here, so it cannot become one into yours.",
        "Sign in with it to see that account. To link it here, unlink it there first.";
    LAST_WAY_IN: CONFLICT, YOU, "last_way_in",
        "This is your only way in",
        "Without it nobody could enter your account any more, you included.",
        "Link another provider or set a password first.";
    LINK_LOST: BAD_REQUEST, YOU, "link_lost",
        "There is nothing waiting to be linked",
        "The identity waited for ten minutes, or somebody else is signed in now than the one who set out to link it.",
        "Sign in, and begin again on your account page.";
    UNKNOWN_PROVIDER: NOT_FOUND, YOU, "unknown_provider",
        "There is no such provider",
        "Nobody can sign in with a provider of this name here.",
        "Choose one of the ways on the sign-in page.";

    // Signing in here.
    WRONG_CREDENTIALS: UNAUTHORIZED, YOU, "wrong_credentials",
        "That e-mail and password do not match",
        "No account is entered with this e-mail address and this password.",
        "Check both and try again. If you came through a provider before, come that way again.";
    WRONG_PASSWORD: FORBIDDEN, YOU, "wrong_password",
        "That is not your password",
        "To change the password you have to know the present one, and what you typed is another.",
        "Try again. If you have forgotten it, have a letter sent from the sign-in page.";
    WEAK_PASSWORD: UNPROCESSABLE_ENTITY, YOU, "weak_password",
        "That password is too easy to guess",
        "The new password is too short, or among the first that somebody would try.",
        "Choose another: a sentence is easier to remember, and harder to guess.";
    EMAIL_MISSING: CONFLICT, YOU, "email_missing",
        "Your account has no e-mail address",
        "A password is typed together with an address, and your account has none.",
        "Link a provider that knows your address first.";
    PASSWORD_EMAIL_TAKEN: CONFLICT, YOU, "password_email_taken",
        "That address opens another account",
        "Another account is entered with your address and a password, and you have not proved that the address is yours.",
        "Prove your address first: have the letter sent from your account page.";
    FRESH_PROOF_REQUIRED: FORBIDDEN, YOU, "fresh_proof_required",
        "Is it still you?",
        "This cannot be undone, and it is more than 10 minutes since you proved who you are.",
        "Sign in again, any way you like, and repeat it.";
    NOT_CONFIRMED: UNPROCESSABLE_ENTITY, YOU, "not_confirmed",
        "Nothing was deleted",
        "To delete your account you have to type the word delete, and what you typed is another.",
        "Go back and type it if you mean it.";
    LINK_SPENT: GONE, YOU, "link_spent",
        "This link does not work any more",
        "Links in letters work once and for a short time; this one was used, has expired, or is not whole.",
        "Have a new letter sent.";
    TOO_MANY_TRIES: TOO_MANY_REQUESTS, YOU, "too_many_tries",
        "Too many tries",
        "There were more tries from your address, or for this account, than anybody needs.",
        "Wait for a moment, and try again.";
    BUSY: SERVICE_UNAVAILABLE, SITE, "busy",
        "Too many people are signing in",
        "Checking a password takes work on purpose, and more people are waiting than can be served.",
        "Wait a few seconds and try again.";
    VALIDATION_FAILED: UNPROCESSABLE_ENTITY, YOU, "validation_failed",
        "Something is missing or not right",
        "One or more fields do not make sense; each is named with what is wrong.",
        "Correct the fields and send it again.";

    // Tokens on the API.
    TOKEN_MISSING: UNAUTHORIZED, YOU, "token_missing",
        "No credentials came along",
        "The request carries neither a session or token cookie nor Authorization: Bearer with a token.",
        "Send a token in the Authorization header, or sign in with a browser.";
    TOKEN_IN_URL: BAD_REQUEST, YOU, "token_in_url",
        "A token does not belong into a URL",
        "URLs end up in histories, logs and Referer headers, so a token in one is refused, good or not.",
        "Send it in the Authorization header, and consider this one stolen.";
    BAD_AUTHORIZATION: BAD_REQUEST, YOU, "authorization_invalid",
        "There is more than one Authorization header",
        "Two headers can say two things, and nobody can tell which was meant.",
        "Send exactly one.";
    TOKEN_REVOKED: UNAUTHORIZED, YOU, "token_revoked",
        "The sign-in has ended",
        "The token's sign-in was ended before the token expired.",
        "Sign in again.";
    TOKEN_TOO_LARGE: UNAUTHORIZED, YOU, "token_too_large",
        "The token is too large",
        "The token is larger than any that is issued here.",
        "Send the access token as it was issued.";
    TOKEN_MALFORMED: UNAUTHORIZED, YOU, "token_malformed",
        "The token is no JWT",
        "The token is not a signed JSON Web Token: three parts of base64url with dots between.",
        "Send the access token, whole, and not the refresh token.";
    TOKEN_HEADER_DUPLICATE: UNAUTHORIZED, YOU, "token_header_duplicate",
        "The token's header names something twice",
        "A header that says something twice can be read in two ways, so it is not read at all.",
        "Get a new token.";
    TOKEN_HEADER_INVALID: UNAUTHORIZED, YOU, "token_header_invalid",
        "The token's header cannot be used",
        "The header does not name an algorithm and a key in the form that they have here.",
        "Get a new token.";
    TOKEN_ALGORITHM_NONE: UNAUTHORIZED, YOU, "token_algorithm_none",
        "The token is not signed",
        "The token's header says that it is not signed at all, so anybody could have written it.",
        "Get a new token.";
    TOKEN_CRITICAL_HEADER: UNAUTHORIZED, YOU, "token_critical_header",
        "The token relies on an extension",
        "The token's header names an extension that has to be understood, and is not understood here.",
        "Get a new token.";
    TOKEN_KEY_EMBEDDED: UNAUTHORIZED, YOU, "token_key_embedded",
        "The token brings its own key",
        "Only the keys of this service count; a key that comes with a token proves nothing.",
        "Get a new token.";
    TOKEN_TYPE_WRONG: UNAUTHORIZED, YOU, "token_type_wrong",
        "The token is of another kind",
        "The token is not an access token: its type is not at+jwt.",
        "Send the access token, and not an ID token.";
    TOKEN_KEY_UNKNOWN: UNAUTHORIZED, YOU, "token_key_unknown",
        "The token's key is unknown",
        "The token is signed with a key that is unknown here or no longer accepted.",
        "Get a new token.";
    TOKEN_ALGORITHM_MISMATCH: UNAUTHORIZED, YOU, "token_algorithm_mismatch",
        "The token names another algorithm",
        "Each key has one algorithm, and the token names another than its key has.",
        "Get a new token.";
    TOKEN_SIGNATURE_INVALID: UNAUTHORIZED, YOU, "token_signature_invalid",
        "The token was altered",
        "The token's signature does not fit what it says.",
        "Get a new token.";
    TOKEN_CLAIM_DUPLICATE: UNAUTHORIZED, YOU, "token_claim_duplicate",
        "The token makes a claim twice",
        "Claims that are there twice can be read in two ways, so they are not read at all.",
        "Get a new token.";
    TOKEN_CLAIM_MISSING: UNAUTHORIZED, YOU, "token_claim_missing",
        "The token lacks a claim",
        "A claim that every access token has is missing.",
        "Get a new token.";
    TOKEN_CLAIM_INVALID: UNAUTHORIZED, YOU, "token_claim_invalid",
        "A claim of the token cannot be read",
        "A claim is not of the type that it has to be.",
        "Get a new token.";
    TOKEN_ISSUER_WRONG: UNAUTHORIZED, YOU, "token_issuer_wrong",
        "Somebody else issued the token",
        "The token was issued by somebody else.",
        "Get a token from this service.";
    TOKEN_AUDIENCE_WRONG: UNAUTHORIZED, YOU, "token_audience_wrong",
        "The token is for another service",
        "The token is meant for another service.",
        "Get a token for this service.";
    TOKEN_EXPIRED: UNAUTHORIZED, YOU, "token_expired",
        "The token has expired",
        "An access token lives for a few minutes only, and this one's are over.",
        "Use the refresh token, or sign in again.";
    TOKEN_NOT_YET_VALID: UNAUTHORIZED, YOU, "token_not_yet_valid",
        "The token is not valid yet",
        "The token says that it is for later.",
        "Compare the clocks, and try again then.";
    TOKEN_INACTIVE: UNAUTHORIZED, YOU, "token_inactive",
        "The token is not active",
        "The authorization server that was asked about the token does not vouch for it: it was revoked, has expired, or was never issued.",
        "Get a new token from the authorization server, and ask the person again if it refuses.";
    ACCOUNT_UNKNOWN: FORBIDDEN, YOU, "account_unknown",
        "The person has no account here",
        "The token is good, but the person who let the app act has no account here, and an app does not make one.",
        "The person signs in here once with that identity. Then send the request again.";
    INTROSPECTION_UNAVAILABLE: SERVICE_UNAVAILABLE, PROVIDER, "introspection_unavailable",
        "The token cannot be checked at the moment",
        "Only the authorization server that issued the token can say whether it is good, and it gives no answer that can be used. Until then nobody is let in with it.",
        "Wait a moment and send the request again. Sessions and JWTs work meanwhile.";
    ACCESS_NOT_ENDED: SERVICE_UNAVAILABLE, PROVIDER, "access_not_ended",
        "The access could not be ended",
        "The authorization server that keeps the list of your apps gave no answer that can be used. Nothing has changed.",
        "Wait a moment and try again. While it does not answer, no app gets in either.";
    INSUFFICIENT_SCOPE: FORBIDDEN, YOU, "insufficient_scope",
        "The token may not do this",
        "The token was issued for less than this request needs.",
        "Get a token with the scope that is named.";
    ROLE_REQUIRED: FORBIDDEN, YOU, "role_required",
        "This is not for everybody",
        "This is for people with a role that you do not have.",
        "Ask whoever runs this site for the role.";
    INVALID_SCOPE: BAD_REQUEST, YOU, "invalid_scope",
        "There is no such scope",
        "A scope was asked for that does not exist here.",
        "Ask for some of profile, calendar:read, contacts:read and contacts:write.";
    REFRESH_TOKEN_UNKNOWN: BAD_REQUEST, YOU, "refresh_token_unknown",
        "The refresh token is unknown",
        "Nobody here issued this refresh token, or so long ago that it is forgotten.",
        "Sign in again.";
    REFRESH_TOKEN_EXPIRED: BAD_REQUEST, YOU, "refresh_token_expired",
        "The refresh token has expired",
        "However often it is exchanged, a family of refresh tokens comes to its end.",
        "Sign in again.";
    REFRESH_TOKEN_ENDED: BAD_REQUEST, YOU, "refresh_token_ended",
        "The sign-in has ended",
        "The sign-in to which the refresh token belongs was ended.",
        "Sign in again.";
    REFRESH_TOKEN_REUSED: BAD_REQUEST, YOU, "refresh_token_reused",
        "The refresh token was used before",
        "It was exchanged for another one before, so two parties hold this family: one of them should not. The whole family, and its sign-in, have ended.",
        "Sign in again. If you did not use it twice yourself, somebody has stolen it.";

    TOO_MANY_CONTACTS: CONFLICT, YOU, "too_many_contacts",
        "Your address book is full",
        "One person can keep 1,000 contacts here, and you have them.",
        "Delete some that you do not need.";

    // Connected services.
    NOT_CONNECTED: NOT_FOUND, YOU, "not_connected",
        "{Provider} is not connected",
        "There is no connection to {provider} that could be used or ended.",
        "Connect it first, or go on without.";
    NOTHING_CHOSEN: BAD_REQUEST, YOU, "nothing_chosen",
        "Nothing was chosen",
        "No box was ticked, so there is nothing to ask {provider} for.",
        "Tick what Latchkey may use, and try again.";
    NOT_GRANTED: FORBIDDEN, YOU, "not_granted",
        "You have not allowed that",
        "{Provider} is connected, but not for this. Latchkey may use only what you ticked there, so it did not ask.",
        "Ask for it on the page of your connections, and allow it at {provider}.";
    RECONNECT: CONFLICT, YOU, "reconnect_needed",
        "{Provider} has to be connected again",
        "{Provider} does not take the tokens of this connection any more.",
        "Connect it again: only you can give the permission.";
    CONNECTION_LOST: BAD_REQUEST, YOU, "connection_lost",
        "Somebody else set out for this",
        "The answer belongs to a person who is not signed in here any more, so nothing was connected.",
        "Sign in as the person whose services they are, and connect them again.";
    STILL_DISCONNECTING: CONFLICT, YOU, "still_disconnecting",
        "The earlier connection is not over yet",
        "{Provider} has not confirmed that the tokens of the earlier connection are revoked. A new one might be revoked with them.",
        "Wait a moment and try again. Latchkey asks {provider} again by itself.";
    RENEWING: SERVICE_UNAVAILABLE, SITE, "token_being_renewed",
        "The access is being renewed",
        "Another request is getting a new access token at {provider}, and has not finished.",
        "Wait a moment and try again.";
    SERVICE_TIMEOUT: GATEWAY_TIMEOUT, PROVIDER, "service_timeout",
        "{Provider} did not answer in time",
        "Latchkey asked {provider} for what you have connected, and got no answer within 8 seconds.",
        "Wait a moment and try again. Your sign-in and your connection are as they were.";
    SERVICE_UNAVAILABLE: BAD_GATEWAY, PROVIDER, "service_unavailable",
        "{Provider} gave nothing",
        "Latchkey asked {provider} for what you have connected, and got nothing that can be shown.",
        "Wait a moment and try again. Your sign-in and your connection are as they were.";
    SITE_NOT_ACCEPTED: BAD_GATEWAY, SITE, "site_not_accepted",
        "{Provider} does not accept this site",
        "{Provider} refused to renew the access, because it does not know this site's client id or secret.",
        "The site's owner has to compare the client id and secret. Your connection is as it was.";

    // Every request.
    SIGN_IN_REQUIRED: UNAUTHORIZED, YOU, "sign_in_required",
        "Please sign in",
        "This page is for people who are signed in, and you are not, or no longer.",
        "Sign in, and you will come back here.";
    CROSS_SITE: FORBIDDEN, YOU, "cross_site_request",
        "That request came from another site",
        "A page of another site tried to do something here in your name, and was stopped.",
        "If you did mean to do it, do it from a page of this site.";
    BAD_REQUEST: BAD_REQUEST, YOU, "bad_request",
        "That request could not be understood",
        "Something in the request is missing, is there twice, or is not what it should be.",
        "Go back, reload the page and try again.";
    NOT_FOUND: NOT_FOUND, YOU, "not_found",
        "There is nothing here",
        "No page has this address; it may have been mistyped.",
        "Check the address, or start from the home page.";
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED, YOU, "method_not_allowed",
        "This address does not work that way",
        "The address exists, but not for this method: a form's address was opened as a page, or the other way round.",
        "Start from the home page.";
    UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE, YOU, "unsupported_media_type",
        "That kind of content is not taken here",
        "The request's Content-Type is not the one that this address takes.",
        "Send a form to a page, and application/json to the API.";
    TOO_LARGE: PAYLOAD_TOO_LARGE, YOU, "too_large",
        "That was too much",
        "The request is larger than anything that this address can need.",
        "Send less.";
    TIMED_OUT: REQUEST_TIMEOUT, YOU, "request_timeout",
        "That took too long",
        "The request did not arrive whole, or was not answered, in time.",
        "Try again.";
    ANSWER_TIMEOUT: GATEWAY_TIMEOUT, SITE, "answer_timeout",
        "That took us too long",
        "Latchkey did not get the answer together in time, most likely because it waited for somebody else.",
        "Wait a moment and try again.";
    DATABASE_DOWN: SERVICE_UNAVAILABLE, SITE, "database_unavailable",
        "We cannot look that up at the moment",
        "The database does not answer, so Latchkey cannot tell who you are. Nothing was lost.",
        "Wait a moment and try again.";
    INTERNAL: INTERNAL_SERVER_ERROR, SITE, "internal_error",
        "That is our fault",
        "Something went wrong inside Latchkey. It was written down under the request id below.",
        "Try again. If it keeps happening, quote the request id to the site's owner.";
}

#[must_use]
pub fn by_code(code: &str) -> Option<&'static Entry> {
    ALL.iter().copied().find(|entry| entry.code == code)
}

/// The entry that goes with a status that no handler has explained.
#[must_use]
pub fn by_status(status: StatusCode) -> &'static Entry {
    match status {
        StatusCode::NOT_FOUND => NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED => METHOD_NOT_ALLOWED,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => UNSUPPORTED_MEDIA_TYPE,
        StatusCode::PAYLOAD_TOO_LARGE => TOO_LARGE,
        StatusCode::REQUEST_TIMEOUT => TIMED_OUT,
        StatusCode::GATEWAY_TIMEOUT => ANSWER_TIMEOUT,
        status if status.is_client_error() => BAD_REQUEST,
        _ => INTERNAL,
    }
}

impl Entry {
    /// A text of this entry about a provider, or about any.
    #[must_use]
    pub fn about(text: &str, provider: Option<&str>) -> String {
        text.replace("{Provider}", provider.unwrap_or("The provider"))
            .replace("{provider}", provider.unwrap_or("the provider"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_fit_into_an_address() {
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
    fn the_providers_fault_is_never_a_bare_500() {
        for entry in ALL.iter().filter(|entry| entry.owner == PROVIDER) {
            assert!(matches!(entry.status.as_u16(), 502..=504), "{}", entry.code);
        }
        for entry in ALL.iter().filter(|entry| entry.owner == YOU) {
            assert!(entry.status.is_client_error(), "{}", entry.code);
        }
    }
}
