//! Issues and refreshes pairs of an access token and a refresh token.
//!
//! The access token is self-contained and lives for minutes. The refresh token is opaque, stored
//! as a hash, and works once (RFC 6749 §6, RFC 9700 §4.14.2).

use std::sync::Arc;

use latchkey_domain::refresh::{Verdict, may_rotate};
use latchkey_domain::{Scopes, SignIn, SignInId, Span, Timestamp, User, UserId};
use latchkey_store::refresh_tokens::{self, StoredRefreshToken};
use latchkey_store::{Db, hash, sign_ins};

use super::claims::AccessClaims;
use super::signing_keys::{self, SigningKeys, VerifyError};
use crate::random;
use crate::secret::{AppSecret, Purpose};

#[derive(Debug)]
pub struct TokenIssuer {
    pub db: Db,
    pub keys: Arc<SigningKeys>,
    pub secret: AppSecret,
    pub issuer: String,
    pub audience: String,
    pub access_ttl: Span,
}

#[derive(Clone, Debug)]
pub struct TokenPair {
    pub access_token: String,
    pub claims: Arc<AccessClaims>,
    pub refresh_token: String,
    pub family_ends_at: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the refresh token is unknown")]
    Unknown,
    #[error("the refresh token has expired")]
    Expired,
    #[error("the sign-in has ended")]
    Ended,
    #[error("the refresh token was used before")]
    Reused { user: UserId, sign_in: SignInId },
    #[error(transparent)]
    Store(#[from] latchkey_store::Error),
    #[error(transparent)]
    Keys(#[from] signing_keys::Error),
}

impl TokenIssuer {
    /// Stores the sign-in and issues the first pair of its family.
    pub async fn issue(
        &self,
        user: &User,
        sign_in: &SignIn,
        scope: Scopes,
        client_id: &str,
    ) -> Result<TokenPair, Error> {
        let refresh_token = random::token();
        let hash = hash::sha256_hex(&refresh_token);
        refresh_tokens::begin_family(&self.db, sign_in, &hash, &scope, client_id).await?;
        self.pair(user, sign_in, scope, client_id, refresh_token, sign_in.created_at)
    }

    /// Exchanges a refresh token for the next pair.
    ///
    /// Concurrent requests with one token get the same pair, within
    /// [`latchkey_domain::refresh::GRACE`], because the successor is derived from the token. A
    /// token that is used again later was stolen, or its successor was: that revokes the
    /// family and its sign-in.
    ///
    /// `client_id`, if given, is the client that the token must belong to (RFC 6749 §6).
    pub async fn refresh(
        &self,
        refresh_token: &str,
        client_id: Option<&str>,
        now: Timestamp,
    ) -> Result<TokenPair, Error> {
        let presented = hash::sha256_hex(refresh_token);
        let find = async || refresh_tokens::find(&self.db, &presented).await?.ok_or(Error::Unknown);
        // Read first, so that an unknown token costs no write.
        let mut found = find().await?;
        if client_id.is_some_and(|expected| expected != found.client_id) {
            return Err(Error::Unknown);
        }
        if may_rotate(found.known, now) == Verdict::Rotate {
            let successor = self.successors(refresh_token).next().ok_or(Error::Unknown)?;
            let hash = hash::sha256_hex(&successor);
            if refresh_tokens::exchange(&self.db, &presented, &hash, now).await? {
                return self.next_pair(&found, successor, now);
            }
            // Another request has just exchanged it.
            found = find().await?;
        }
        match may_rotate(found.known, now) {
            Verdict::SameSuccessor => {
                let successor = self.successors(refresh_token).find(|successor| {
                    found.successor.as_ref().is_none_or(|hash| *hash == hash::sha256_hex(successor))
                });
                let at = found.known.used_at.unwrap_or(now);
                self.next_pair(&found, successor.ok_or(Error::Unknown)?, at)
            }
            Verdict::EndFamily => {
                sign_ins::end(&self.db, found.sign_in.id, found.user.id, now).await?;
                Err(Error::Reused { user: found.user.id, sign_in: found.sign_in.id })
            }
            Verdict::Expired => Err(Error::Expired),
            Verdict::Ended => Err(Error::Ended),
            // Unreachable: a token that may rotate was exchanged above.
            Verdict::Rotate => Err(Error::Unknown),
        }
    }

    /// The sign-in of an access or refresh token, for RFC 7009. `None` for an unknown token.
    pub async fn find_sign_in(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<(SignInId, UserId)>, latchkey_store::Error> {
        match self.keys.verify(token, now).await {
            Ok(claims) => return Ok(Some((claims.sid, claims.sub))),
            Err(VerifyError::Store(error)) => return Err(error),
            Err(VerifyError::Refused(_)) => {}
        }
        let found = refresh_tokens::find(&self.db, &hash::sha256_hex(token)).await?;
        Ok(found.map(|found| (found.sign_in.id, found.user.id)))
    }

    fn next_pair(
        &self,
        found: &StoredRefreshToken,
        successor: String,
        at: Timestamp,
    ) -> Result<TokenPair, Error> {
        let scope = found.scope.clone();
        self.pair(&found.user, &found.sign_in, scope, &found.client_id, successor, at)
    }

    /// Deterministic for a refresh token and a time.
    fn pair(
        &self,
        user: &User,
        sign_in: &SignIn,
        scope: Scopes,
        client_id: &str,
        refresh_token: String,
        at: Timestamp,
    ) -> Result<TokenPair, Error> {
        let claims = AccessClaims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: user.id,
            client_id: client_id.to_owned(),
            iat: at.as_seconds(),
            nbf: at.as_seconds(),
            exp: at.plus(self.access_ttl).as_seconds(),
            jti: hash::sha256_hex(&hash::sha256_hex(&refresh_token)).chars().take(32).collect(),
            sid: sign_in.id,
            scope,
            roles: user.roles.clone(),
            auth_time: sign_in.authenticated_at.as_seconds(),
            amr: vec![sign_in.method.amr().to_owned()],
            name: user.name.clone(),
            email: user.email.clone(),
            email_verified: user.email_verified,
            created_at: user.created_at,
        };
        Ok(TokenPair {
            access_token: self.keys.sign(&claims, at)?,
            claims: Arc::new(claims),
            refresh_token,
            family_ends_at: sign_in.expires_at,
        })
    }

    /// One for each secret of `APP_SECRET`.
    fn successors(&self, refresh_token: &str) -> impl Iterator<Item = String> {
        self.secret.derive(Purpose::RefreshSuccessor, refresh_token)
    }
}
