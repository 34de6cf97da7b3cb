//! URLs and forms.

use super::{Redactor, decoded, parameter};
use crate::traces::text::{Kind, Text};

impl Redactor {
    /// A URL, whole or without its origin.
    pub(crate) fn url(&mut self, url: &str) -> Text {
        let (rest, fragment) = split(url, '#');
        let (path, query) = split(rest, '?');
        let mut text = self.path(path);
        if let Some(query) = query {
            text.push("?");
            text.append(self.form(query));
        }
        if let Some(fragment) = fragment {
            text.push("#");
            text.append(self.bare(Kind::Value, fragment));
        }
        text
    }

    /// Everything before the query. Links from letters hold a token in their
    /// path, and an authority may hold a password.
    fn path(&mut self, path: &str) -> Text {
        let (scheme, rest) = match path.split_once("://") {
            Some((scheme, rest)) => (format!("{scheme}://"), rest),
            None => (String::new(), path),
        };
        let mut text = Text::plain(scheme);
        let authority = rest.split('/').next().unwrap_or_default();
        let rest = match authority.rsplit_once('@') {
            Some((user, _)) => {
                text.append(self.bare(Kind::Value, user));
                &rest[user.len()..]
            }
            None => rest,
        };
        for before in ["/reset/", "/verify/"] {
            if let Some((start, token)) = rest.split_once(before) {
                text.push(start);
                text.push(before);
                text.append(self.bare(Kind::Value, token));
                return text;
            }
        }
        text.push(rest);
        text
    }

    /// `application/x-www-form-urlencoded`: a query or a body.
    pub(crate) fn form(&mut self, form: &str) -> Text {
        let mut text = Text::default();
        for (at, pair) in form.split('&').enumerate() {
            if at > 0 {
                text.push("&");
            }
            let (name, value) = split(pair, '=');
            let Some(value) = value else {
                // A name without a value may be anything.
                text.append(self.bare(Kind::Value, name));
                continue;
            };
            text.push(name);
            text.push("=");
            let meaning = decoded(value);
            match parameter(&decoded(name)) {
                // Where to go afterwards is a URL of its own.
                None if name == "next" && meaning.contains(['?', '#', '@'])
                    || meaning.starts_with("/reset/")
                    || meaning.starts_with("/verify/") =>
                {
                    text.append(self.bare(Kind::Value, value));
                }
                None => text.push(value),
                Some(_) if value.is_empty() => {}
                Some(kind) => text.push_piece(self.secret(kind, value, &meaning)),
            }
        }
        text
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_is_shown() {
        for (url, shown) in [
            (
                "/auth/google/callback?code=abc%2Bd&iss=http%3A%2F%2Fx",
                "/auth/google/callback?code=redacte&iss=http%3A%2F%2Fx",
            ),
            (
                "https://a.test/x?token=0123456789&scope=openid+email",
                "https://a.test/x?token=redacted-v&scope=openid+email",
            ),
            ("https://me:pw@a.test/", "https://redac@a.test/"),
            ("/x?hush#0123", "/x?reda#reda"),
            ("/reset/0123456789", "/reset/redacted-v"),
            ("/sign-in?next=%2Freset%2F0123", "/sign-in?next=redacted-value"),
            ("/sign-in?next=%2Faccount", "/sign-in?next=%2Faccount"),
            ("/x?a=&&b", "/x?a=&&r"),
        ] {
            let text = Redactor::default().url(url);
            assert_eq!(text.len(), url.len(), "{url}");
            assert!(text.to_string().starts_with(shown.trim_end_matches('-')), "{text}");
        }
    }

    #[test]
    fn a_state_shows_its_beginning() {
        let state = "Xk3f9Q0123456789012345678901234567890123456";
        let text = Redactor::default().url(&format!("/x?state={state}")).to_string();
        assert_eq!(text, "/x?state=Xk3f9Q-state-A-----------------------------");
    }
}
