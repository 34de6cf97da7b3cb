//! The verdict on a claim.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict {
    True {
        because: String,
    },
    TrueIf {
        condition: String,
        because: String,
        /// The number from which the condition holds, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        break_even: Option<BreakEven>,
    },
    False {
        because: String,
    },
    /// The difference is within the noise, or evidence is missing.
    Undecided {
        because: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BreakEven {
    pub value: f64,
    pub unit: String,
}

/// Why the evidence is inconclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclear(pub String);

pub type VerdictResult = Result<Verdict, Unclear>;

pub(crate) fn unclear(why: impl Into<String>) -> VerdictResult {
    Err(Unclear(why.into()))
}

pub(crate) fn yes(because: impl Into<String>) -> VerdictResult {
    Ok(Verdict::yes(because))
}

pub(crate) fn no(because: impl Into<String>) -> VerdictResult {
    Ok(Verdict::no(because))
}

pub(crate) fn only_if(condition: &str, because: impl Into<String>) -> VerdictResult {
    Ok(Verdict::only_if(condition, because))
}

impl Verdict {
    pub fn yes(because: impl Into<String>) -> Self {
        Self::True { because: because.into() }
    }

    pub fn no(because: impl Into<String>) -> Self {
        Self::False { because: because.into() }
    }

    pub fn only_if(condition: impl Into<String>, because: impl Into<String>) -> Self {
        Self::TrueIf { condition: condition.into(), because: because.into(), break_even: None }
    }

    /// Adds the number from which the condition holds.
    pub fn with_break_even(mut self, value: f64, unit: &str) -> Self {
        if let Self::TrueIf { break_even, .. } = &mut self {
            // Recomputed from the printed samples, the last digits would differ.
            let value = (value * 1000.0).round() / 1000.0;
            *break_even = Some(BreakEven { value, unit: unit.to_owned() });
        }
        self
    }

    pub const fn word(&self) -> &'static str {
        match self {
            Self::True { .. } => "true",
            Self::TrueIf { .. } => "true if",
            Self::False { .. } => "false",
            Self::Undecided { .. } => "undecided",
        }
    }

    pub fn in_words(&self) -> String {
        match self {
            Self::TrueIf { condition, .. } => format!("true if {condition}"),
            other => other.word().to_owned(),
        }
    }

    pub fn because(&self) -> &str {
        match self {
            Self::True { because }
            | Self::TrueIf { because, .. }
            | Self::False { because }
            | Self::Undecided { because } => because,
        }
    }
}
