//! Apps that may use somebody's data here, as `/connections` lists them.

use latchkey_domain::Timestamp;

/// What `/connections` says about other apps.
#[derive(Debug)]
pub(crate) struct ConnectedApps {
    /// What to call the server that lets them in, where there is one.
    pub(crate) server: Option<String>,
    pub(crate) apps: Apps,
}

/// The apps, as far as they are known.
#[derive(Debug)]
pub(crate) enum Apps {
    /// No app's token is taken here.
    NotTaken,
    /// The server does not tell us; it has a page of its own for that.
    NotTold,
    /// It does not answer at the moment, or was asked too often.
    Unknown,
    These(Vec<AppRow>),
}

/// An app that somebody let in.
#[derive(Debug)]
pub(crate) struct AppRow {
    pub(crate) id: String,
    pub(crate) name: String,
    /// What it may do, as sentences.
    pub(crate) may: Vec<&'static str>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) last_used_at: Option<Timestamp>,
}
