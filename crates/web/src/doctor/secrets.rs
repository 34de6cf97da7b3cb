//! `APP_SECRET`: where it came from and how good it is, never what it is.

use super::Known;
use super::finding::{Check, Finding};
use crate::settings::{SecretFacts, SecretSource};

const NAME: &str = "APP_SECRET";

pub(super) fn findings(known: &Known<'_>) -> Vec<Finding> {
    // Whether one is needed at all is known from PUBLIC_URL.
    if known.reads(&[NAME, "PUBLIC_URL"]) {
        vec![judge(known.settings.app_secret_facts)]
    } else {
        Vec::new()
    }
}

fn judge(facts: SecretFacts) -> Finding {
    let source = match facts.source {
        SecretSource::Variable => "the variable APP_SECRET",
        SecretSource::File => "the file that APP_SECRET_FILE names",
        SecretSource::Kept { .. } => "data/app-secret, made for development",
        SecretSource::ToBeMade => "data/app-secret, which is made at the first start",
    };
    let finding = if let Some(weakness) = facts.weakness {
        let (wrong, _) = weakness.split_once(':').unwrap_or((weakness, ""));
        Finding::warning(
            Check::AppSecret,
            NAME,
            format!("APP_SECRET {wrong}; in development it is taken, elsewhere it is refused."),
        )
        .advise(
            "Leave it out in development; elsewhere write what `openssl rand -base64 48` prints.",
        )
    } else if facts.source == (SecretSource::Kept { private: false }) {
        Finding::warning(Check::AppSecret, NAME, "Others on this machine can read data/app-secret.")
            .advise("Keep it to yourself: chmod 600 data/app-secret.")
    } else {
        Finding::ok(Check::AppSecret, NAME, "APP_SECRET is strong enough.")
    };
    let finding = finding.fact("It comes from", source);
    if facts.secrets > 1 {
        finding.fact("Secrets before it", (facts.secrets - 1).to_string())
    } else {
        finding
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn secrets_are_judged() {
        let weak = Some("is shorter than 32 bytes: write more");
        for (source, weakness, level) in [
            (SecretSource::Variable, None, Level::Ok),
            (SecretSource::File, weak, Level::Warning),
            (SecretSource::Kept { private: true }, None, Level::Ok),
            (SecretSource::Kept { private: false }, None, Level::Warning),
            (SecretSource::ToBeMade, None, Level::Ok),
        ] {
            let facts = SecretFacts { source, secrets: 1, weakness };
            assert_eq!(judge(facts).level, level, "{facts:?}");
        }
        let rotating = SecretFacts { source: SecretSource::Variable, secrets: 3, weakness: None };
        assert_eq!(judge(rotating).facts[1], ("Secrets before it", "2".to_owned()));
    }
}
