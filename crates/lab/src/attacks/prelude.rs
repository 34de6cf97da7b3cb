//! The imports of the tables of attacks.

pub(super) use super::attack::{Check, attacks, check};
pub(super) use super::context::{AttackContext, new_email};
pub(super) use super::judge::Expect::{self, *};
pub(super) use super::script::Client::{Newcomer, Owner, SignedInThief, Stranger, Thief, Visitor};
pub(super) use super::script::Source::{Cookie, Header, Member};
pub(super) use super::script::{
    AS_NEWCOMER, AS_OWNER, AS_THIEF, Action, NEW_TOKENS, Request, api, attack, begin, control,
    form, get, json, open, prepare, send,
};
pub(super) use crate::error::{Error, Result};
