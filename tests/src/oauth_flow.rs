//! The OAuth sign-in flow step by step, with assertions for each step.

use url::Url;

use crate::app::Latchkey;
use crate::browser::Browser;
use crate::page::{Account, Page};

/// The value of a query parameter. Panics unless it occurs exactly once.
#[must_use]
#[track_caller]
pub fn parameter(url: &Url, name: &str) -> String {
    let mut found = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value);
    let value = found.next().unwrap_or_else(|| panic!("no {name} in {url}"));
    assert!(found.next().is_none(), "{name} is repeated in {url}");
    value.into_owned()
}

impl Browser {
    /// Starts a sign-in, and checks the redirect to the provider and its cookie.
    pub async fn start_sign_in(&mut self, app: &Latchkey, provider: &str) -> Url {
        self.start_sign_in_with(app, provider, &[]).await
    }

    /// Like [`Self::start_sign_in`], with additional form fields.
    pub async fn start_sign_in_with(
        &mut self,
        app: &Latchkey,
        provider: &str,
        fields: &[(&str, &str)],
    ) -> Url {
        let page = self.post(&app.url(&format!("/auth/{provider}")), fields).await;
        let to = Url::parse(&page.see_other()).expect("a whole URL");
        // RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 9700 §2.1.1.
        assert_eq!(parameter(&to, "response_type"), "code");
        assert_eq!(parameter(&to, "redirect_uri"), app.callback(provider));
        assert_eq!(parameter(&to, "code_challenge_method"), "S256");
        assert_eq!(parameter(&to, "code_challenge").len(), 43, "a SHA-256 in base64url");
        assert!(parameter(&to, "state").len() >= 22, "128 bits in base64url");
        // Exactly one cookie, for this attempt.
        let host = if app.origin.starts_with("https:") { "__Host-" } else { "" };
        let product = &app.app.config.product.cookie_prefix;
        let attempt = page.cookie(&format!("{host}{product}_attempt_"));
        let mut marks = vec!["HttpOnly", "Max-Age=3600", "Path=/", "SameSite=Lax"];
        if app.origin.starts_with("https:") {
            marks.push("Secure");
        }
        assert_eq!(attempt.attributes, marks);
        to
    }

    /// Consents at the local provider as this person.
    pub async fn consent(&mut self, authorize: &Url, person: &str) -> Url {
        let page = self.get(authorize.as_str()).await;
        assert_eq!(page.status, 200, "{}", page.summary());
        self.decide(authorize, &[("decision", "allow"), ("person", person)]).await
    }

    /// Submits the local provider's form with all requested scopes.
    pub async fn decide(&mut self, authorize: &Url, decision: &[(&str, &str)]) -> Url {
        let scopes = parameter(authorize, "scope");
        let asked: Vec<_> = authorize.query_pairs().filter(|(name, _)| name != "scope").collect();
        let mut fields: Vec<(&str, &str)> = asked.iter().map(|(n, v)| (&**n, &**v)).collect();
        fields.extend(scopes.split(' ').map(|scope| ("scope", scope)));
        fields.extend(decision);
        let mut url = authorize.clone();
        url.set_query(None);
        let page = self.post(&format!("{url}/decide"), &fields).await;
        Url::parse(&page.see_other()).expect("a whole URL")
    }

    /// Follows the redirect from the provider to the app.
    pub async fn follow_callback(&mut self, callback: &Url) -> Page {
        // Browsers send this for a redirect from another site.
        let site = [("sec-fetch-site", "cross-site")];
        self.send(reqwest::Method::GET, callback.as_str(), &site, None).await
    }

    /// Signs in, and returns the user of the account page.
    pub async fn sign_in_with(&mut self, app: &Latchkey, provider: &str, person: &str) -> Account {
        let authorize = self.start_sign_in(app, provider).await;
        assert!(authorize.as_str().starts_with(&app.idp), "{authorize} is not the local provider");
        let callback = self.consent(&authorize, person).await;
        assert!(callback.as_str().starts_with(&app.callback(provider)), "{callback}");
        let page = self.follow_callback(&callback).await;
        assert_eq!(page.see_other(), "/account");
        self.account(app).await.expect("signed in")
    }

    /// The signed-in user.
    pub async fn account(&mut self, app: &Latchkey) -> Option<Account> {
        let page = self.get(&app.url("/account")).await;
        if page.status == 401 {
            return None;
        }
        Some(page.account())
    }

    /// The value of the session cookie.
    #[must_use]
    pub fn session(&self, app: &Latchkey) -> Option<String> {
        let host = Url::parse(&app.origin).expect("a URL").host_str().expect("a host").to_owned();
        self.jar.get(&host, &app.cookie("latchkey_session")).map(str::to_owned)
    }
}
