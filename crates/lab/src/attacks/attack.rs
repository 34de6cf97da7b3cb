//! What an attack is; the tables of the groups are made of these.

use std::future::Future;
use std::pin::Pin;

use strum::{IntoStaticStr, VariantArray};

use super::context::AttackContext;
use super::judge::Expect;
use crate::error::Result;

/// What an attack is aimed at, in the order in which the groups are run and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr)]
pub enum Group {
    #[strum(serialize = "The redirect back from the provider")]
    Callback,
    #[strum(serialize = "ID tokens")]
    IdToken,
    #[strum(serialize = "The provider’s own endpoints")]
    Provider,
    #[strum(serialize = "Pages of other sites")]
    CrossSite,
    #[strum(serialize = "Forged tokens")]
    Jwt,
    #[strum(serialize = "More than you may do")]
    Rights,
    #[strum(serialize = "Sessions and cookies")]
    Sessions,
    #[strum(serialize = "Refresh tokens")]
    Refresh,
    #[strum(serialize = "Accounts and passwords")]
    Accounts,
    #[strum(serialize = "Unexpected input")]
    Input,
}

impl Group {
    pub const ALL: &[Self] = Self::VARIANTS;

    pub fn title(self) -> &'static str {
        self.into()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    pub file: &'static str,
    pub name: &'static str,
}

pub(super) const fn check(file: &'static str, name: &'static str) -> Check {
    Check { file, name }
}

impl Attack {
    /// Whether it looks at the clock: then it is run on the throw-away instance, where calls may
    /// come from anywhere.
    pub fn is_timed(&self) -> bool {
        self.expect.contains(&Expect::AsFast)
    }
}

type Run = for<'a> fn(&'a mut AttackContext) -> Pin<Box<dyn Future<Output = Result> + Send + 'a>>;

#[derive(Clone, Copy, Debug)]
pub struct Attack {
    pub id: &'static str,
    pub group: Group,
    pub title: &'static str,
    pub standard: &'static str,
    pub check: Check,
    pub expect: &'static [Expect],
    pub(super) run: Run,
}

/// The table of a group. Each row ends with an async function and what it is called with
/// after the context, which is constant.
macro_rules! attacks {
    ($group:ident: $($id:literal, $title:literal, $standard:literal, $check:expr, $expect:expr,
        $run:ident($($argument:expr),*);)*) => {
        use $crate::attacks::attack::{Attack, Group};

        pub(super) const ATTACKS: &[Attack] = &[$(Attack {
            id: $id,
            group: Group::$group,
            title: $title,
            standard: $standard,
            check: $check,
            expect: $expect,
            run: |context| Box::pin($run(context $(, const { $argument })*)),
        }),*];
    };
}
pub(super) use attacks;
