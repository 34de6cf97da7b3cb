//! Why the local provider refuses to start.

use std::path::PathBuf;

use url::Url;

use crate::Provider;

/// A configuration with which the local provider does not start.
///
/// No variant carries a client secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The provider believes anyone who clicks a name: it must not be reachable from elsewhere.
    #[error("{0} is not an http(s) origin on a loopback name (like http://127.0.0.1:3001)")]
    BaseUrl(Url),
    /// A client without an id or a secret.
    #[error("a client of the local {0} has an empty id or an empty secret")]
    EmptyCredentials(Provider),
    /// Two clients of one provider under the same id.
    #[error("the client {id:?} is registered twice at the local {provider}")]
    DuplicateClient { provider: Provider, id: String },
    /// RFC 6749 §3.1.2: an absolute URI without a fragment.
    #[error("{0:?} is not a redirect URI: write an absolute http(s) URL without a fragment")]
    RedirectUri(String),
    /// RFC 8707 §2: an absolute URI without a fragment.
    #[error("{0:?} does not name an API: write an absolute URI without a fragment")]
    Audience(String),
    /// The operating system gave no randomness, or the TLS library could not be set up.
    #[error("the third-party application beside the local provider cannot be set up")]
    Printer,
    /// The file of created people can be read but not understood, or not read at all.
    #[error("cannot read the people file {path}: {source}")]
    PeopleFile {
        path: PathBuf,
        /// What the operating system or the JSON parser said.
        source: std::io::Error,
    },
    /// The file of grants can be read but not understood, or not read at all.
    #[error("cannot read the grants file {path}: {source}")]
    GrantsFile {
        path: PathBuf,
        /// What the operating system or the JSON parser said.
        source: std::io::Error,
    },
}
