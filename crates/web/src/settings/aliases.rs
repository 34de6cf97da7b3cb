//! Variables that are set, and that nobody here reads: those of other
//! frameworks, and ours with a slip in the name.
//!
//! None of them keeps the app from starting. They may be there for another
//! program; somebody who wonders why theirs does nothing should read of it.

use super::Environment;
use super::reader::Problem;
use super::variables;

/// What others call what we call otherwise. `{P}` stands for a provider.
const ALIASES: &[(&str, &str)] = &[
    ("AUTH_{P}_ID", "{P}_CLIENT_ID"),
    ("AUTH_{P}_SECRET", "{P}_CLIENT_SECRET"),
    ("AUTH_{P}_CLIENT_ID", "{P}_CLIENT_ID"),
    ("AUTH_{P}_CLIENT_SECRET", "{P}_CLIENT_SECRET"),
    ("{P}_ID", "{P}_CLIENT_ID"),
    ("{P}_SECRET", "{P}_CLIENT_SECRET"),
    ("{P}_KEY", "{P}_CLIENT_ID"),
    ("{P}_APP_ID", "{P}_CLIENT_ID"),
    ("{P}_APP_SECRET", "{P}_CLIENT_SECRET"),
    ("{P}_OAUTH_CLIENT_ID", "{P}_CLIENT_ID"),
    ("{P}_OAUTH_CLIENT_SECRET", "{P}_CLIENT_SECRET"),
    ("OAUTH_{P}_CLIENT_ID", "{P}_CLIENT_ID"),
    ("OAUTH_{P}_CLIENT_SECRET", "{P}_CLIENT_SECRET"),
    ("OAUTH2_{P}_CLIENT_ID", "{P}_CLIENT_ID"),
    ("OAUTH2_{P}_CLIENT_SECRET", "{P}_CLIENT_SECRET"),
    ("NUXT_OAUTH_{P}_CLIENT_ID", "{P}_CLIENT_ID"),
    ("NUXT_OAUTH_{P}_CLIENT_SECRET", "{P}_CLIENT_SECRET"),
    ("NEXT_PUBLIC_{P}_CLIENT_ID", "{P}_CLIENT_ID"),
    ("VITE_{P}_CLIENT_ID", "{P}_CLIENT_ID"),
    ("AUTH_SECRET", "APP_SECRET"),
    ("NEXTAUTH_SECRET", "APP_SECRET"),
    ("BETTER_AUTH_SECRET", "APP_SECRET"),
    ("SECRET_KEY", "APP_SECRET"),
    ("SECRET_KEY_BASE", "APP_SECRET"),
    ("APP_KEY", "APP_SECRET"),
    ("SESSION_SECRET", "APP_SECRET"),
    ("COOKIE_SECRET", "APP_SECRET"),
    ("JWT_SECRET", "APP_SECRET"),
    ("AUTH_URL", "PUBLIC_URL"),
    ("NEXTAUTH_URL", "PUBLIC_URL"),
    ("BETTER_AUTH_URL", "PUBLIC_URL"),
    ("BASE_URL", "PUBLIC_URL"),
    ("APP_URL", "PUBLIC_URL"),
    ("SITE_URL", "PUBLIC_URL"),
    ("ROOT_URL", "PUBLIC_URL"),
    ("DB_URL", "DATABASE_URL"),
    ("DATABASE_URI", "DATABASE_URL"),
    ("DATABASE_DSN", "DATABASE_URL"),
    ("POSTGRES_URL", "DATABASE_URL"),
    ("SQLITE_URL", "DATABASE_URL"),
    ("SQLALCHEMY_DATABASE_URI", "DATABASE_URL"),
    ("JWT_EXPIRES_IN", "JWT_ACCESS_TTL"),
    ("JWT_ALG", "JWT_ALGORITHM"),
    ("SMTP_URI", "SMTP_URL"),
    ("SMTP_HOST", "SMTP_URL"),
    ("SMTP_SERVER", "SMTP_URL"),
    ("MAIL_URL", "SMTP_URL"),
    ("MAIL_HOST", "SMTP_URL"),
    ("MAILER_DSN", "SMTP_URL"),
    ("EMAIL_SERVER", "SMTP_URL"),
    ("TRUSTED_PROXY", "TRUSTED_PROXIES"),
    ("TRUST_PROXY", "TRUSTED_PROXIES"),
    ("AUTH_TRUST_HOST", "TRUSTED_PROXIES"),
];

const PROVIDERS: [&str; 3] = ["GOOGLE", "GITHUB", "FACEBOOK"];

/// A sentence for each variable that is set, and that we read by another name.
pub(super) fn unread(environment: &Environment) -> Vec<Problem> {
    let is_set = |name: &str| {
        environment.get(name).is_some() || environment.get(&format!("{name}_FILE")).is_some()
    };
    let strange = environment.names().filter(|name| variables::find(name).is_none());
    let meant = strange.filter_map(|name| Some((name, meant(name)?)));
    // Who has set ours as well knows what they are doing.
    meant
        .filter(|(_, ours)| !is_set(ours))
        .map(|(name, ours)| {
            Problem::new(name, format!("is set, but Latchkey reads {ours}: write {ours} instead"))
        })
        .collect()
}

/// Which of our variables somebody meant.
fn meant(name: &str) -> Option<String> {
    let alias = ALIASES.iter().find_map(|(theirs, ours)| {
        let providers: &[&str] = if theirs.contains("{P}") { &PROVIDERS } else { &[""] };
        let provider = providers.iter().find(|p| theirs.replace("{P}", p) == name)?;
        Some(ours.replace("{P}", provider))
    });
    alias.or_else(|| near(name))
}

/// The variable of ours of which a name is a slip of the pen.
fn near(name: &str) -> Option<String> {
    let ours = variables::ALL.iter();
    let ours = ours.filter(|ours| !ours.name.contains('<') && ours.name != "RUST_LOG");
    let (file, name) = match name.strip_suffix("_FILE") {
        Some(name) => ("_FILE", name),
        None => ("", name),
    };
    let near = ours.filter_map(|ours| {
        let distance = distance(&bare(name), &bare(ours.name));
        (distance <= slips(ours.name)).then_some((distance, ours))
    });
    let (_, ours) = near.min_by_key(|(distance, _)| *distance)?;
    let file = if ours.from_file { file } else { "" };
    Some(format!("{}{file}", ours.name))
}

/// How many slips are believed: a short name is near too many others.
fn slips(ours: &str) -> usize {
    match ours.len() {
        0..=5 => 0,
        6..=8 => 1,
        _ => 2,
    }
}

/// A name without what people leave out: capitals and underscores.
fn bare(name: &str) -> Vec<u8> {
    name.bytes()
        .filter(|b| !matches!(b, b'_' | b'-' | b'.'))
        .map(|b| b.to_ascii_uppercase())
        .collect()
}

/// How many letters have to be put in, taken out, changed or swapped with their
/// neighbour (Damerau and Levenshtein, each stretch touched once).
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before_last[j - 2] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_lead_to_variables_that_there_are() {
        for (theirs, ours) in ALIASES {
            for provider in PROVIDERS {
                let (theirs, ours) =
                    (theirs.replace("{P}", provider), ours.replace("{P}", provider));
                assert!(variables::find(&ours).is_some(), "{ours}");
                assert!(variables::find(&theirs).is_none(), "{theirs} is read");
            }
        }
    }

    #[test]
    fn slips_are_recognised_and_strangers_left_alone() {
        for (name, ours) in [
            ("AUTH_GOOGLE_ID", Some("GOOGLE_CLIENT_ID")),
            ("GITHUB_SECRET", Some("GITHUB_CLIENT_SECRET")),
            ("FACEBOOK_APP_ID", Some("FACEBOOK_CLIENT_ID")),
            ("NEXTAUTH_URL", Some("PUBLIC_URL")),
            ("PUBLIC_URI", Some("PUBLIC_URL")),
            ("PUBLC_URL", Some("PUBLIC_URL")),
            ("public_url", Some("PUBLIC_URL")),
            ("GOOGLE_CLIENTID", Some("GOOGLE_CLIENT_ID")),
            ("GOOGLE_CLIENT_SECERT", Some("GOOGLE_CLIENT_SECRET")),
            ("APP_SECERT", Some("APP_SECRET")),
            ("APP_SECRETS", Some("APP_SECRET")),
            ("APP_SECERT_FILE", Some("APP_SECRET_FILE")),
            ("PUBLIC_URL_FILE", Some("PUBLIC_URL")),
            ("SESION_TTL", Some("SESSION_TTL")),
            ("JWT_ACESS_TTL", Some("JWT_ACCESS_TTL")),
            ("LOCAL_IPD", Some("LOCAL_IDP")),
            ("PATH", None),
            ("HOSTNAME", None),
            ("POST", None),
            ("SHELL", None),
            ("GITHUB_TOKEN", None),
            ("GITHUB_ACTIONS", None),
            ("GITHUB_RUN_ID", None),
            ("GITHUB_SERVER_URL", None),
            ("GOOGLE_APPLICATION_CREDENTIALS", None),
            ("RUST_BACKTRACE", None),
            ("SSH_AUTH_SOCK", None),
            ("AWS_SECRET_ACCESS_KEY", None),
            ("", None),
        ] {
            assert_eq!(meant(name).as_deref(), ours, "{name}");
        }
    }

    #[test]
    fn distances() {
        for (a, b, letters) in [
            ("", "", 0),
            ("ab", "", 2),
            ("secret", "secert", 1),
            ("secret", "sekret", 1),
            ("secret", "secrets", 1),
            ("abc", "xyz", 3),
            ("clientid", "clienid", 1),
        ] {
            assert_eq!(distance(a.as_bytes(), b.as_bytes()), letters, "{a} {b}");
            assert_eq!(distance(b.as_bytes(), a.as_bytes()), letters, "{b} {a}");
        }
    }

    #[test]
    fn who_has_set_ours_is_not_told() {
        let names = |variables: &[(&str, &str)]| -> Vec<String> {
            let environment = Environment::of(variables.iter().copied(), "");
            unread(&environment).into_iter().map(|one| one.to_string()).collect()
        };
        assert_eq!(
            names(&[("AUTH_GOOGLE_ID", "s3cr3t")]),
            [
                "AUTH_GOOGLE_ID is set, but Latchkey reads GOOGLE_CLIENT_ID: write GOOGLE_CLIENT_ID instead"
            ]
        );
        assert!(names(&[("AUTH_GOOGLE_ID", "a"), ("GOOGLE_CLIENT_ID_FILE", "b")]).is_empty());
        assert!(names(&[("AUTH_SECRET", ""), ("PATH", "/bin")]).is_empty());
    }
}
