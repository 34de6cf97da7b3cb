//! Reads and validates variables, and collects problems.

use latchkey_auth::oauth::discovery::is_https_or_loopback;
use latchkey_auth::secret::Secret;
use latchkey_domain::Span;
use url::Url;

use super::credential_lint::{has_placeholder, is_template, lint};
use super::environment::Environment;
use super::problem::{Problem, Problems};
use super::variables;

pub(super) struct Reader<'a> {
    pub(super) environment: &'a Environment,
    /// Do not create files.
    pub(super) dry_run: bool,
    pub(super) problems: Problems,
    pub(super) warnings: Vec<Problem>,
}

/// A client ID and a client secret.
pub(super) enum Credentials {
    Unset,
    /// Already reported.
    Invalid,
    Set(String, Secret),
}

impl<'a> Reader<'a> {
    pub(super) fn new(environment: &'a Environment, dry_run: bool) -> Self {
        let problems = environment.problems.clone();
        Self { environment, dry_run, problems, warnings: Vec::new() }
    }

    /// Reports a problem. The fix is the variable's expected value.
    pub(super) fn error(&mut self, variable: &str, message: impl Into<String>) {
        self.problems.0.push(Problem::new(variable, message));
    }

    pub(super) fn error_with_fix(
        &mut self,
        variable: &str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.problems.0.push(Problem::with_fix(variable, message, fix));
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        debug_assert!(variables::find(name).is_some(), "{name} is not in the table of variables");
        self.environment.get(name)
    }

    /// Whether a variable, or its file, is set.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some() || self.environment.get(&format!("{name}_FILE")).is_some()
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let text = self.get(name)?;
        self.clean(name, text)
    }

    /// Rejects quotes and spaces around a value, which `docker --env-file` and systemd keep.
    fn clean(&mut self, name: &str, text: &str) -> Option<String> {
        // A PEM has line breaks.
        let is_pem = text.starts_with("-----BEGIN ");
        let text = if is_pem { text.trim_end() } else { text };
        let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        let quotes = ['"', '\''];
        let (message, fix) = if text.trim() != text {
            ("starts or ends with whitespace", "Remove it.")
        } else if text.starts_with(quotes) || text.ends_with(quotes) {
            ("has quotes as part of its value", "Remove the quotes.")
        } else if !is_pem && text.contains(breaks) {
            ("contains a line break or another control character", "Write it on one line.")
        } else if is_template(text) {
            ("is a placeholder", "Set it to a real value, or leave it empty.")
        } else {
            return Some(text.to_owned());
        };
        self.error_with_fix(name, message, fix);
        None
    }

    /// A secret, or the contents of the file that `<name>_FILE` names.
    pub(super) fn secret(&mut self, name: &str) -> Option<Secret> {
        let by_file = format!("{name}_FILE");
        let Some(path) = self.text(&by_file) else {
            return self.text(name).map(Secret::new);
        };
        if self.get(name).is_some() {
            self.error_with_fix(name, format!("and {by_file} are both set"), "Keep one of them.");
            return None;
        }
        match std::fs::read_to_string(self.environment.path(&path)) {
            Err(error) => {
                let message = format!("names a file that cannot be read ({})", error.kind());
                self.error_with_fix(&by_file, message, "Check its path and permissions.");
            }
            // Editors end a file with a newline, which is not part of the secret.
            Ok(contents) => match contents.trim_end_matches(['\r', '\n']) {
                "" => self.error(&by_file, "names an empty file"),
                secret => return self.clean(&by_file, secret).map(Secret::new),
            },
        }
        None
    }

    /// The parsed value, if the variable is set. Reports an invalid one.
    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let value = parse(&text);
        if value.is_none() {
            let placeholder = has_placeholder(&text);
            let message = if placeholder { "contains a placeholder" } else { "is not valid" };
            self.error(name, message);
        }
        value
    }

    /// Like [`Self::optional`], with the variable's default.
    pub(super) fn parsed<T>(&mut self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.optional(name, &parse).or_else(|| parse(variables::find(name)?.default))
    }

    pub(super) fn port(&mut self, name: &str) -> u16 {
        self.parsed(name, |text| text.parse().ok()).unwrap_or_default()
    }

    pub(super) fn duration(&mut self, name: &str) -> Span {
        self.parsed(name, parse_duration).unwrap_or(Span::seconds(0))
    }

    /// One of these words. The first is the default.
    pub(super) fn one_of<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> T {
        let value = |text: &str| words.iter().find(|(word, _)| *word == text).map(|(_, v)| *v);
        self.parsed(name, value).unwrap_or(words[0].1)
    }

    /// A URL that secrets may be sent to. Not normalized, because issuers must match exactly.
    pub(super) fn server(&mut self, name: &str, accept: fn(&Url) -> bool) -> Option<String> {
        self.parsed(name, |text| {
            let url = Url::parse(text).ok()?;
            let has_credentials = !url.username().is_empty() || url.password().is_some();
            let valid = is_https_or_loopback(&url) && !has_credentials && accept(&url);
            (valid && !has_placeholder(text)).then(|| text.to_owned())
        })
    }

    /// An issuer (RFC 8414 §2).
    pub(super) fn issuer(&mut self, name: &str) -> Option<String> {
        self.server(name, |url| url.query().is_none() && url.fragment().is_none())
    }

    pub(super) fn credentials(&mut self, prefix: &str) -> Credentials {
        let (id, secret) = (format!("{prefix}_CLIENT_ID"), format!("{prefix}_CLIENT_SECRET"));
        let unpaired = match (self.is_set(&id), self.is_set(&secret)) {
            (false, false) => return Credentials::Unset,
            (true, true) => None,
            (true, false) => Some((&secret, &id)),
            (false, true) => Some((&id, &secret)),
        };
        if let Some((missing, set)) = unpaired {
            let message = format!("is not set, but {set} is");
            self.error_with_fix(missing, message, "Set both or neither.");
            return Credentials::Invalid;
        }
        let (Some(client_id), Some(client_secret)) = (self.secret(&id), self.secret(&secret))
        else {
            return Credentials::Invalid;
        };
        match lint(prefix, client_id.expose(), client_secret.expose()) {
            Ok(warning) => {
                self.warnings.extend(warning);
                Credentials::Set(client_id.expose().to_owned(), client_secret)
            }
            Err(fatal) => {
                self.problems.0.extend(fatal);
                Credentials::Invalid
            }
        }
    }

    /// Reports unset credentials. `reason` completes "is not set, but …".
    pub(super) fn required(
        &mut self,
        prefix: &str,
        credentials: Credentials,
        reason: &str,
    ) -> Option<(String, Secret)> {
        match credentials {
            Credentials::Set(id, secret) => return Some((id, secret)),
            Credentials::Invalid => {}
            Credentials::Unset => self.error_with_fix(
                &format!("{prefix}_CLIENT_ID"),
                format!("is not set, but {reason}"),
                format!("Set it and {prefix}_CLIENT_SECRET."),
            ),
        }
        None
    }

    /// Warns about variables that look like a misspelling of one that is not set.
    pub(super) fn warn_about_unknown_names(&mut self) {
        let unknown = self.environment.names().filter(|name| variables::find(name).is_none());
        for (name, ours) in unknown.filter_map(|name| Some((name, variables::suggest(name)?))) {
            if !self.is_set(&ours) {
                let purpose = variables::find(&ours).map_or("", |found| found.purpose);
                let fix = format!("Did you mean {ours} ({purpose})?");
                self.warnings.push(Problem::with_fix(name, "is not read by Latchkey", fix));
            }
        }
    }
}

/// A positive whole number with the unit `s`, `m`, `h` or `d`.
pub(super) fn parse_duration(text: &str) -> Option<Span> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u32 = number.parse().ok()?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    (number > 0).then_some(Span::seconds(number.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_settings_require_a_unit() {
        for (text, span) in [
            ("30s", Some(Span::seconds(30))),
            ("5m", Some(Span::minutes(5))),
            ("2h", Some(Span::minutes(120))),
            ("7d", Some(Span::days(7))),
            ("0s", None),
            ("-5m", None),
            ("5", None),
            ("m", None),
            ("", None),
            ("5 m", None),
            ("5é", None),
            ("4294967295d", None),
        ] {
            assert_eq!(parse_duration(text), span, "{text}");
        }
    }

    #[test]
    fn misspelled_variable_warns_unless_correct_name_is_set() {
        let warnings = |variables: &str| -> Vec<String> {
            let environment = Environment::from_lines(variables, "");
            let mut read = Reader::new(&environment, true);
            read.warn_about_unknown_names();
            read.warnings.iter().map(Problem::to_string).collect()
        };
        let text = "AUTH_GOOGLE_ID is not read by Latchkey. \
                    Did you mean GOOGLE_CLIENT_ID (the client ID at Google)?";
        assert_eq!(warnings("AUTH_GOOGLE_ID=s3cr3t"), [text]);
        assert!(warnings("AUTH_GOOGLE_ID=a\nGOOGLE_CLIENT_ID_FILE=b").is_empty());
        assert!(warnings("AUTH_SECRET=\nPATH=/bin").is_empty());
    }
}
