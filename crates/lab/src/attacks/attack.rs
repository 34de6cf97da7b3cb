//! An attack, and the macro that defines a group’s table of them.

use std::future::Future;
use std::pin::Pin;

use strum::{IntoStaticStr, VariantArray};

use super::context::AttackContext;
use super::judge::Expect;
use crate::error::Result;

/// What an attack is aimed at. Groups run and are listed in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr)]
pub enum Group {
    #[strum(serialize = "Callbacks from the provider")]
    Callback,
    #[strum(serialize = "ID tokens")]
    IdToken,
    #[strum(serialize = "Provider endpoints")]
    Provider,
    #[strum(serialize = "Cross-site requests")]
    CrossSite,
    #[strum(serialize = "Forged tokens")]
    Jwt,
    #[strum(serialize = "Missing permissions")]
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
    /// Timed attacks run on the temporary instance, which accepts any client address.
    pub fn is_timed(&self) -> bool {
        self.expect.contains(&Expect::SameTiming)
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

/// The table of a group. Each row ends with an async function and its arguments, which are
/// constant; the context is added as the first one.
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
