//! Attacks on a running Latchkey, each for real and over HTTP.
//!
//! Each is a row of its group's table: requests (a script, or a function), and the
//! answers that it takes ([`judge`](judge())). It counts as refused only when the check
//! that is there for it refused it, with that check's own code; where it makes sense, the same
//! request without the attack is sent too and has to succeed. Each runs once more where just its
//! check is missing, and at a tutorial’s sign-in (`run`). The accounts of a run are made
//! up; the caller deletes them afterwards ([`is_made_up`]), also when an attack was cut off.

mod accounts;
mod attack;
mod callback;
mod context;
mod cross_site;
mod id_token;
mod input;
mod judge;
mod jwt;
mod prelude;
mod provider;
mod record;
mod refresh;
mod rights;
mod run;
mod script;
mod sessions;
mod timing;
mod twin;
mod weakenings;

pub use attack::{Attack, Check, Group};
pub use context::{AttackContext, is_made_up};
pub use judge::{Expect, Verdict, judge};
pub use record::{DOMAIN, Role, Step};
pub use run::{Report, run};
pub use twin::Proof;

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

pub fn by_id(id: &str) -> Option<&'static Attack> {
    all().find(|attack| attack.id == id)
}

impl Group {
    pub fn attacks(self) -> impl Iterator<Item = &'static Attack> {
        all().filter(move |attack| attack.group == self)
    }
}
