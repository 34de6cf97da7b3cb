//! Imports of the experiments.

pub(super) use std::time::Duration;

pub(super) use http::{Method, StatusCode};

pub(super) use super::experiment::{Experiment, experiment};
pub(super) use crate::agent::{Agent, Answer, Call};
pub(super) use crate::context::{Context, Fixture};
pub(super) use crate::error::{Error, Result};
pub(super) use crate::evidence::Evidence;
pub(super) use crate::instance::{Disruption, InstanceOptions, at};
pub(super) use crate::sign_in::{
    self, Credential, SignInMethod, combination, combinations, credential_cookie,
};
pub(super) use crate::stats::{all_equal, as_f64, median};
pub(super) use crate::verdict::{Verdict, VerdictResult, no, only_if, unclear, yes};
