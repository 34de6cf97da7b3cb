//! The claims of an access token.

use jsonwebtoken::Header;
use latchkey_domain::{DisplayName, Email, Roles, Scopes, SignInId, Timestamp, User, UserId};
use serde::Serialize;
use serde_json::Value;

use super::error::TokenError;
use super::key::{KeyError, SigningKey};
use crate::jose::Members;

/// RFC 9068 §2.1.
pub const TYPE: &str = "at+jwt";

/// The claims of RFC 9068 §2.2, and those that `GET /me` needs to respond without a database, in
/// the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessClaims {
    pub iss: String,
    pub aud: String,
    pub sub: UserId,
    pub client_id: String,
    /// In seconds, like `nbf`, `exp` and `auth_time` (RFC 7519 §2 `NumericDate`).
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
    pub jti: String,
    pub sid: SignInId,
    /// An unknown scope grants nothing.
    pub scope: Scopes,
    pub roles: Roles,
    pub auth_time: i64,
    /// RFC 8176.
    pub amr: Vec<String>,
    pub name: DisplayName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    pub email_verified: bool,
    /// In milliseconds, unlike the registered claims.
    pub created_at: Timestamp,
}

impl AccessClaims {
    pub fn user(&self) -> User {
        User {
            id: self.sub,
            name: self.name.clone(),
            email: self.email.clone(),
            email_verified: self.email_verified,
            roles: self.roles.clone(),
            created_at: self.created_at,
        }
    }

    /// Every claim but `email` is required, and each must have its type.
    pub(super) fn parse(claims: &Members) -> Result<Self, TokenError> {
        let email = |value: &Value| Email::parse(value.as_str()?).ok();
        Ok(Self {
            iss: text(claims, "iss")?,
            aud: audience(claims)?,
            sub: id(claims, "sub")?,
            client_id: text(claims, "client_id")?,
            iat: integer(claims, "iat")?,
            nbf: integer(claims, "nbf")?,
            exp: integer(claims, "exp")?,
            jti: text(claims, "jti")?,
            sid: id(claims, "sid")?,
            // During an upgrade, another process may issue scopes that this version does not
            // know.
            scope: claim(claims, "scope", |scope| scope.as_str().map(Scopes::parse_known))?,
            roles: claim(claims, "roles", |roles| serde_json::from_value(roles.clone()).ok())?,
            auth_time: integer(claims, "auth_time")?,
            amr: claim(claims, "amr", |amr| serde_json::from_value(amr.clone()).ok())?,
            name: claim(claims, "name", |name| name.as_str().and_then(DisplayName::clean))?,
            email: claims.get("email").map(|_| claim(claims, "email", email)).transpose()?,
            email_verified: claim(claims, "email_verified", Value::as_bool)?,
            created_at: integer(claims, "created_at").map(Timestamp::from_millis)?,
        })
    }
}

/// Signs claims (RFC 7515 §5.1). The header has `typ`, `alg` and `kid` only.
pub fn issue(key: &SigningKey, claims: &AccessClaims) -> Result<String, KeyError> {
    let failed = KeyError::DoesNotSign(key.algorithm());
    let algorithm = key.algorithm().jose().to_jsonwebtoken().ok_or(failed)?;
    let mut header = Header::new(algorithm);
    header.typ = Some(TYPE.to_owned());
    header.kid = Some(key.kid().to_owned());
    jsonwebtoken::encode(&header, claims, key.encoding()).map_err(|_| failed)
}

fn claim<T>(
    claims: &Members,
    name: &'static str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<T, TokenError> {
    let value = claims.get(name).ok_or(TokenError::ClaimMissing(name))?;
    read(value).ok_or(TokenError::ClaimInvalid(name))
}

fn text(claims: &Members, name: &'static str) -> Result<String, TokenError> {
    claim(claims, name, |value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
}

fn id<T: std::str::FromStr>(claims: &Members, name: &'static str) -> Result<T, TokenError> {
    claim(claims, name, |value| value.as_str().and_then(|text| text.parse().ok()))
}

/// RFC 7519 §2 also allows fractions of a second, but we issue none.
fn integer(claims: &Members, name: &'static str) -> Result<i64, TokenError> {
    claim(claims, name, Value::as_i64)
}

/// A string or an array of one (RFC 7519 §4.1.3). We reject a token with several audiences:
/// each of them could use it here.
fn audience(claims: &Members) -> Result<String, TokenError> {
    match claims.get("aud").ok_or(TokenError::ClaimMissing("aud"))? {
        Value::String(one) => Ok(one.clone()),
        Value::Array(several) if several.iter().all(Value::is_string) => match several.as_slice() {
            [Value::String(one)] => Ok(one.clone()),
            _ => Err(TokenError::AudienceWrong),
        },
        _ => Err(TokenError::ClaimInvalid("aud")),
    }
}
