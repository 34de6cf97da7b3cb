//! What came back: one answer, before anything in it is followed.

use reqwest::header::HeaderMap;
use url::Url;

use crate::cookies::SetCookie;

/// One answer.
#[derive(Clone, Debug)]
pub struct Page {
    /// What was asked: the method and the URL.
    pub asked: String,
    /// Where it is.
    pub url: Url,
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as text.
    pub body: String,
}

impl Page {
    /// Itself, if it has this status.
    #[must_use]
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.summary());
        self
    }

    /// Itself, if it is an error page with this status and code.
    #[must_use]
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Self {
        let found = (self.status, self.header("x-error-code"));
        assert_eq!(found, (status, Some(code)), "{}: {}", self.asked, self.summary());
        self
    }

    /// Where a 303 leads, as it stands there.
    #[must_use]
    #[track_caller]
    pub fn see_other(&self) -> String {
        assert_eq!(self.status, 303, "{}: {}", self.asked, self.summary());
        self.header("location").expect("a Location").to_owned()
    }

    /// A header's value, which must not be there twice.
    #[must_use]
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).into_iter();
        let value = values.next()?.to_str().expect("text");
        assert!(values.next().is_none(), "{}: {name} is there twice", self.asked);
        Some(value)
    }

    /// All cookies that it sets.
    #[must_use]
    pub fn cookies(&self) -> Vec<SetCookie> {
        let headers = self.headers.get_all("set-cookie").into_iter();
        headers.map(|header| SetCookie::parse(header.to_str().expect("text"))).collect()
    }

    /// The one cookie that it sets whose name begins so.
    #[must_use]
    #[track_caller]
    pub fn cookie(&self, prefix: &str) -> SetCookie {
        let mut found: Vec<_> =
            self.cookies().into_iter().filter(|cookie| cookie.name.starts_with(prefix)).collect();
        assert_eq!(found.len(), 1, "{}: {prefix}: {:?}", self.asked, self.cookies());
        found.remove(0)
    }

    /// Who the account page says one is.
    #[must_use]
    #[track_caller]
    pub fn account(&self) -> Account {
        assert_eq!(self.status, 200, "{}: {}", self.asked, self.summary());
        let between = |before: &str, after: &str| {
            let (_, rest) = self.body.split_once(before)?;
            rest.split_once(after).map(|(found, _)| found.trim().to_owned())
        };
        Account {
            id: between("<dt>ID</dt><dd><code>", "</code>").expect("an id on the account page"),
            name: between("<h1><bdi>", "</bdi>").expect("a name on the account page"),
        }
    }

    /// The body without markup, shortened: what a failed assertion shows.
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

/// Who somebody is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Never changes.
    pub id: String,
    /// As the page has it, in HTML.
    pub name: String,
}
