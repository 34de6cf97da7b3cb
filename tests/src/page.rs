//! A response, whose redirect is not followed.

use reqwest::header::HeaderMap;
use url::Url;

use crate::cookies::SetCookie;

/// A response.
#[derive(Clone, Debug)]
pub struct Page {
    /// Method and URL of the request.
    pub request: String,
    /// The URL of the request.
    pub url: Url,
    pub status: u16,
    pub headers: HeaderMap,
    /// The body, as text.
    pub body: String,
}

impl Page {
    /// Asserts the status.
    #[must_use]
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.request, self.summary());
        self
    }

    /// Asserts an error page with this status and code.
    #[must_use]
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Self {
        let found = (self.status, self.header("x-error-code"));
        assert_eq!(found, (status, Some(code)), "{}: {}", self.request, self.summary());
        // Not in a response to HEAD.
        assert!(self.body.is_empty() || self.body.contains(code), "{}: no {code}", self.request);
        self
    }

    /// Asserts a 303, and returns its `Location`.
    #[must_use]
    #[track_caller]
    pub fn see_other(&self) -> String {
        assert_eq!(self.status, 303, "{}: {}", self.request, self.summary());
        self.header("location").expect("a Location").to_owned()
    }

    /// The value of a header. Panics if it is repeated.
    #[must_use]
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).into_iter();
        let value = values.next()?.to_str().expect("text");
        assert!(values.next().is_none(), "{}: {name} is repeated", self.request);
        Some(value)
    }

    /// The cookies that it sets.
    #[must_use]
    pub fn cookies(&self) -> Vec<SetCookie> {
        let headers = self.headers.get_all("set-cookie").into_iter();
        headers.map(|header| SetCookie::parse(header.to_str().expect("text"))).collect()
    }

    /// The only cookie that it sets with this prefix.
    #[must_use]
    #[track_caller]
    pub fn cookie(&self, prefix: &str) -> SetCookie {
        let mut found: Vec<_> =
            self.cookies().into_iter().filter(|cookie| cookie.name.starts_with(prefix)).collect();
        assert_eq!(found.len(), 1, "{}: {prefix}: {:?}", self.request, self.cookies());
        found.remove(0)
    }

    /// The user shown on the account page.
    #[must_use]
    #[track_caller]
    pub fn account(&self) -> Account {
        assert_eq!(self.status, 200, "{}: {}", self.request, self.summary());
        let between = |before: &str, after: &str| {
            let (_, rest) = self.body.split_once(before)?;
            rest.split_once(after).map(|(found, _)| found.trim().to_owned())
        };
        Account {
            id: between("<dt>ID</dt><dd><code>", "</code>").expect("an id on the account page"),
            name: between("<h1><bdi>", "</bdi>").expect("a name on the account page"),
        }
    }

    /// The text of the body, shortened, for failed assertions.
    #[must_use]
    pub fn summary(&self) -> String {
        let main = self.body.split_once("<main").map_or(self.body.as_str(), |(_, main)| main);
        let mut text = String::new();
        let mut inside = false;
        for c in main.chars() {
            match c {
                '<' => inside = true,
                '>' => inside = false,
                c if !inside => text.push(c),
                _ => {}
            }
        }
        let words: Vec<_> = text.split_whitespace().take(60).collect();
        let headers = ["x-error-code", "location"].map(|name| self.headers.get(name));
        format!("{} {headers:?}", words.join(" "))
    }
}

/// The user shown on the account page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: String,
    /// HTML-escaped.
    pub name: String,
}
