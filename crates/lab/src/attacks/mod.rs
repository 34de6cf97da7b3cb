//! Attacks on a running Latchkey, each for real and over HTTP.
//!
//! Each has a story, steps that are sent (`stage`), and what the answers have
//! to be ([`judge`](judge())): the check that is there for it has to have refused it,
//! by its own code. Where it makes sense, the same without the attack is sent
//! beside it and has to succeed. People are made up for a run (`people`); who runs
//! it deletes them ([`is_made_up`]), whether or not an attack was cut off.

mod accounts;
mod callback;
mod cross_site;
mod forge;
mod id_token;
mod input;
mod judge;
mod jwt;
mod people;
mod provider;
mod record;
mod refresh;
mod rights;
mod run;
mod sessions;
mod stage;

use std::future::Future;
use std::pin::Pin;

pub use judge::{Expect, Verdict, judge};
pub use people::is_made_up;
pub use record::{DOMAIN, Role, Seen, Step};
pub use run::{Report, run};
pub use stage::{LocalProvider, NotRun, Stage, Target};

/// What an attack is aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// What comes back from a provider through the browser.
    Callback,
    /// What a provider says of a person.
    IdToken,
    /// What the authorization server has to refuse.
    Provider,
    /// What other sites make a browser do.
    CrossSite,
    /// JSON Web Tokens that were never issued.
    Jwt,
    /// What somebody may do who is signed in.
    Rights,
    Sessions,
    Refresh,
    /// Getting into an account, or finding out that it is there.
    Accounts,
    /// What does not belong into a request.
    Input,
}

impl Group {
    /// In the order in which they are run and shown.
    pub const ALL: [Self; 10] = [
        Self::Callback,
        Self::IdToken,
        Self::Provider,
        Self::CrossSite,
        Self::Jwt,
        Self::Rights,
        Self::Sessions,
        Self::Refresh,
        Self::Accounts,
        Self::Input,
    ];

    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Callback => "The way back from the provider",
            Self::IdToken => "The ID token",
            Self::Provider => "The provider’s own doors",
            Self::CrossSite => "Other people’s pages",
            Self::Jwt => "Forged tokens",
            Self::Rights => "More than one may do",
            Self::Sessions => "Sessions and cookies",
            Self::Refresh => "Refresh tokens",
            Self::Accounts => "Accounts and passwords",
            Self::Input => "What does not belong into a request",
        }
    }

    pub fn attacks(self) -> impl Iterator<Item = &'static Attack> {
        all().filter(move |attack| attack.group == self)
    }
}

/// Where in the source the check is that refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// The file, from the root of the repository.
    pub file: &'static str,
    pub name: &'static str,
}

/// A step or more that are sent; they end up in the stage's record.
type Run =
    for<'a> fn(&'a mut Stage) -> Pin<Box<dyn Future<Output = Result<(), NotRun>> + Send + 'a>>;

#[derive(Clone, Copy, Debug)]
pub struct Attack {
    pub id: &'static str,
    pub group: Group,
    pub title: &'static str,
    /// Who wants what, and how they go about it.
    pub story: &'static str,
    /// The section of the standard that asks for the check.
    pub standard: &'static str,
    pub check: Check,
    /// What the answers have to be.
    pub expect: &'static [Expect],
    run: Run,
}

pub fn all() -> impl Iterator<Item = &'static Attack> {
    [
        callback::ATTACKS,
        id_token::ATTACKS,
        provider::ATTACKS,
        cross_site::ATTACKS,
        jwt::ATTACKS,
        rights::ATTACKS,
        sessions::ATTACKS,
        refresh::ATTACKS,
        accounts::ATTACKS,
        input::ATTACKS,
    ]
    .into_iter()
    .flatten()
}

#[must_use]
pub fn by_id(id: &str) -> Option<&'static Attack> {
    all().find(|attack| attack.id == id)
}

/// The attacks of one group; each line of the table is one of them.
macro_rules! attacks {
    ($group:ident: $($id:literal, $title:literal, $standard:literal, $file:literal, $name:literal,
        $story:literal, $expect:expr, $run:path;)*) => {
        pub(super) const ATTACKS: &[$crate::attacks::Attack] = &[$($crate::attacks::Attack {
            id: $id,
            group: $crate::attacks::Group::$group,
            title: $title,
            story: $story,
            standard: $standard,
            check: $crate::attacks::Check { file: $file, name: $name },
            expect: $expect,
            run: |stage| Box::pin($run(stage)),
        }),*];
    };
}
use attacks;
