//! Real attacks on a running Latchkey, over HTTP.
//!
//! Each attack is a row of its group's table: the requests (a script or a function), and the
//! expected responses ([`judge`](judge())). It counts as refused only if the check it is aimed at
//! refused it, with that check's own error code. Where it makes sense, the same request is also
//! sent without the attack and must succeed. [`run`](run()) runs each attack again without the
//! check, and against the sign-in of a tutorial. A run creates test accounts, which the caller
//! must delete ([`is_made_up`]) even if an attack was interrupted.

mod accounts;
mod attack;
mod callback;
mod context;
mod cross_site;
mod id_token;
mod input;
mod judge;
mod jwt;
mod patching_proxy;
mod prelude;
mod provider;
mod record;
mod refresh;
mod removed_checks;
mod rights;
mod run;
mod script;
mod sessions;
mod timing;

pub use attack::{Attack, Check, Group};
pub use context::{AttackContext, is_made_up};
pub use judge::{Expect, Verdict, judge};
pub use patching_proxy::Proof;
pub use record::{DOMAIN, Role, Step};
pub use run::{Report, run};

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
