//! The choice as a `.env` that starts.

use latchkey_domain::sign_in::CredentialKind;

use super::advice::{Advice, Doors, ForPrograms};
use latchkey_web::settings::Revocation;

/// A `.env` for this choice. It starts as it is, in development; what a real
/// site needs besides stands there as comments.
pub(super) fn of(advice: &Advice) -> String {
    let mut lines: Vec<&str> = Vec::new();
    lines.push("# The database.");
    lines.push(if advice.shares_database {
        "DATABASE_URL=postgres://latchkey@localhost/latchkey"
    } else {
        "DATABASE_URL=sqlite://data/latchkey.db"
    });
    lines.push("");
    door(advice, &mut lines);
    if advice.key == CredentialKind::Session {
        lines.extend([
            "",
            "# Pages: a server session; its idle and absolute lifetime.",
            "SESSION_IDLE_TTL=7d",
            "SESSION_TTL=30d",
        ]);
    }
    if advice.key == CredentialKind::Jwt || advice.programs == Some(ForPrograms::Jwt) {
        lines.extend([
            "",
            if advice.key == CredentialKind::Jwt {
                "# Pages and programs: a JWT."
            } else {
                "# Programs: a JWT."
            },
            "JWT_ALGORITHM=EdDSA",
            "JWT_ACCESS_TTL=5m",
            "JWT_REFRESH_TTL=30d",
            match advice.revocation {
                Revocation::Expiry => "JWT_REVOCATION=expiry",
                Revocation::Watch => "JWT_REVOCATION=watch",
            },
        ]);
    }
    if advice.programs == Some(ForPrograms::Opaque) {
        lines.extend([
            "",
            "# Opaque tokens: their issuer is asked (RFC 7662), in development",
            "# the local provider. How long an answer is cached:",
            match advice.believed {
                0 => "OAUTH_INTROSPECTION_CACHE=0",
                1 => "OAUTH_INTROSPECTION_CACHE=1s",
                _ => "OAUTH_INTROSPECTION_CACHE=5s",
            },
            "# OAUTH_INTROSPECTION_URL=https://issuer.example.com/introspect",
            "# OAUTH_INTROSPECTION_CLIENT_ID=",
            "# OAUTH_INTROSPECTION_CLIENT_SECRET=",
        ]);
    }
    lines.extend([
        "",
        "# A real site, besides:",
        "# PUBLIC_URL=https://app.example.com",
        "# APP_SECRET_FILE=/run/secrets/latchkey",
    ]);
    lines.join("\n") + "\n"
}

fn door(advice: &Advice, lines: &mut Vec<&str>) {
    let asks = advice.programs == Some(ForPrograms::Opaque);
    let uses_provider = advice.door != Doors::Password || advice.connects || asks;
    if !uses_provider {
        lines.extend(["# The door: a password. No provider.", "LOCAL_IDP=off"]);
        return;
    }
    lines.push(match advice.door {
        Doors::OAuth => "# Sign in with OAuth. Google is simulated until both are set.",
        Doors::Both => "# Sign in with OAuth or a password. Google is simulated until both are set.",
        Doors::Password if advice.connects => {
            "# Sign in with a password. Google is for connections; it is simulated until both are set."
        }
        Doors::Password => {
            "# Sign in with a password. In development, the local provider issues the opaque tokens."
        }
    });
    lines.extend(["LOCAL_IDP=auto", "# GOOGLE_CLIENT_ID=", "# GOOGLE_CLIENT_SECRET="]);
}

#[cfg(test)]
mod tests {
    use super::super::advice::decide;
    use super::super::questions::Answers;
    use super::*;
    use latchkey_web::settings::{Capabilities, Environment, Settings};

    #[test]
    fn every_choice_makes_settings_that_are_taken_and_say_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(".env");
        for answers in Answers::all() {
            let advice = decide(&answers);
            let text = of(&advice);
            std::fs::write(&file, &text).expect("written");
            let environment = Environment::with_file(&file).expect("a file that can be read");
            let settings = Settings::load(&environment, Capabilities::ALL).expect(&text);
            let warnings: Vec<_> = settings.warnings.iter().map(|one| &one.variable).collect();
            assert!(warnings.is_empty(), "{warnings:?}\n{text}");
            assert_eq!(settings.jwt.revocation, advice.revocation, "{text}");
            let asks = advice.programs == Some(ForPrograms::Opaque);
            let has_providers = advice.door != Doors::Password || advice.connects || asks;
            assert_eq!(!settings.providers.is_empty(), has_providers, "{text}");
            let is_postgres = settings.database_url.expose().starts_with("postgres:");
            assert_eq!(is_postgres, advice.shares_database, "{text}");
        }
    }
}
