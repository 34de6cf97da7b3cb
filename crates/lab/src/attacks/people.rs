//! The people of a run. Each is made up for it; whoever runs it deletes them: by
//! [`is_made_up`] they are told apart from everybody else.

use http::Method;
use url::Url;

use super::record::DOMAIN;
use super::stage::{Browser, NotRun, Outcome, Stage, member, random};
use crate::{Answer, Call};

#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) email: String,
    pub(super) password: String,
    /// A browser that stays signed in.
    keeper: Browser,
}

impl Account {
    /// A browser that has been signed in from the beginning.
    pub(super) fn keeper(&self) -> Browser {
        self.keeper.clone()
    }
}

/// Somebody whom the local provider vouches for, and forgets.
#[derive(Clone, Debug)]
pub(super) struct Passer {
    pub(super) key: String,
    pub(super) email: String,
}

/// A pair of tokens of the API.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) refresh: String,
}

impl Passer {
    /// Somebody with this address, which the provider has checked.
    pub(super) fn new(email: String) -> Outcome<Self> {
        Ok(Self { key: format!("passing-{}", random()?), email })
    }
}

pub(super) fn address() -> Outcome<String> {
    Ok(format!("lab-{}@{DOMAIN}", random()?))
}

/// Whether somebody with this address was made up for a run, and nobody else's.
#[must_use]
pub fn is_made_up(email: &str) -> bool {
    let random = email.strip_prefix("lab-").and_then(|rest| rest.strip_suffix(DOMAIN));
    random.and_then(|rest| rest.strip_suffix('@')).is_some_and(|random| {
        random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

impl Stage {
    pub(super) async fn account(&self, name: &str, email: &str) -> Outcome<Account> {
        let password = random()?;
        let fields = [("name", name), ("email", email), ("password", &*password)];
        let form = self.form("/sign-up", &fields)?;
        let signed_up = self.quietly(&mut self.browser(), form).await?;
        expect(&signed_up, 303, "Nobody could be signed up")?;
        let mut keeper = self.browser();
        self.sign_in(&mut keeper, email, &password, "session").await?;
        Ok(Account { email: email.to_owned(), password, keeper })
    }

    /// Whose things are to be stolen.
    pub(super) async fn owner(&mut self) -> Outcome<Account> {
        if self.owner.is_none() {
            self.owner = Some(self.account("Olive Owner", &address()?).await?);
        }
        self.owner.clone().ok_or_else(|| NotRun::because("There is nobody."))
    }

    /// Who wants to steal them; with an account of their own.
    pub(super) async fn thief(&mut self) -> Outcome<Account> {
        if self.thief.is_none() {
            self.thief = Some(self.account("Theo Thief", &address()?).await?);
        }
        self.thief.clone().ok_or_else(|| NotRun::because("There is nobody."))
    }

    /// Who comes through the local provider.
    pub(super) fn passer(&mut self) -> Outcome<Passer> {
        if self.passer.is_none() {
            self.passer = Some(Passer::new(address()?)?);
        }
        self.passer.clone().ok_or_else(|| NotRun::because("There is nobody."))
    }

    /// Signs a browser in with a password.
    pub(super) async fn sign_in(
        &self,
        who: &mut Browser,
        email: &str,
        password: &str,
        strategy: &str,
    ) -> Outcome {
        let fields = [("email", email), ("password", password), ("strategy", strategy)];
        let answer = self.quietly(who, self.form("/sign-in", &fields)?).await?;
        expect(&answer, 303, "Nobody could be signed in")
    }

    /// A browser in which this person is signed in.
    pub(super) async fn signed_in(&self, account: &Account, strategy: &str) -> Outcome<Browser> {
        let mut browser = self.browser();
        self.sign_in(&mut browser, &account.email, &account.password, strategy).await?;
        Ok(browser)
    }

    /// Tokens for a program of this person.
    pub(super) async fn tokens(&self, account: &Account, scope: &str) -> Outcome<Tokens> {
        let body = serde_json::json!({
            "email": account.email, "password": account.password, "scope": scope,
        });
        let call = Call::json(Method::POST, self.url("/api/v1/token")?, &body.to_string());
        let answer = self.quietly(&mut self.browser(), call).await?;
        pair(&answer)
    }

    /// Tokens for everything, of a sign-in of their own.
    pub(super) async fn new_tokens(&self, account: &Account) -> Outcome<Tokens> {
        self.tokens(account, "profile calendar:read contacts:read contacts:write").await
    }

    /// An access token for everything. One for all attacks: each password that
    /// is typed counts among the tries of this address.
    pub(super) async fn access_token(&mut self, account: &Account) -> Outcome<String> {
        if let Some(token) = self.access_tokens.get(&account.email) {
            return Ok(token.clone());
        }
        let token = self.new_tokens(account).await?.access;
        self.access_tokens.insert(account.email.clone(), token.clone());
        Ok(token)
    }

    /// Begins a sign-in at a provider; where the browser is sent to.
    pub(super) async fn set_out(&self, who: &mut Browser, path: &str) -> Outcome<Url> {
        self.provider()?;
        let answer = self.quietly(who, self.form(path, &[])?).await?;
        expect(&answer, 303, "Nobody was sent to the provider")?;
        answer.location().ok_or_else(|| NotRun::because("The app led nowhere."))
    }

    /// Says yes at the local provider, which misbehaves as told; where it sends
    /// the browser back to.
    pub(super) async fn allow(
        &self,
        authorize: &Url,
        passer: &Passer,
        misbehave: &str,
    ) -> Outcome<Url> {
        let call = allowing(authorize, passer, misbehave);
        let answer = self.quietly(&mut self.browser(), call).await?;
        expect(&answer, 303, "The local provider did not send the browser back")?;
        answer.location().ok_or_else(|| NotRun::because("The local provider led nowhere."))
    }

    /// The whole way up to the callback, which is not yet opened.
    pub(super) async fn waiting(&mut self, who: &mut Browser, misbehave: &str) -> Outcome<Url> {
        let passer = self.passer()?;
        let authorize = self.set_out(who, "/auth/google").await?;
        self.allow(&authorize, &passer, misbehave).await
    }

    /// Deletes the account of whoever is signed in.
    pub(super) async fn delete(&self, who: &mut Browser) -> Outcome {
        let call = self.form("/account/delete", &[("confirm", "delete")])?;
        let answer = self.quietly(who, call).await?;
        expect(&answer, 303, "An account could not be deleted")
    }
}

pub(super) fn allowing(authorize: &Url, passer: &Passer, misbehave: &str) -> Call {
    let asked: Vec<_> = authorize.query_pairs().collect();
    let mut fields = vec![
        ("decision", "allow"),
        ("person", &*passer.key),
        ("name", "Pia Passer"),
        ("email", &*passer.email),
        ("verified", "on"),
        ("misbehave", misbehave),
    ];
    for (name, value) in &asked {
        if *name == "scope" {
            fields.extend(value.split(' ').map(|scope| ("scope", scope)));
        } else {
            fields.push((&**name, &**value));
        }
    }
    let mut decide = authorize.clone();
    decide.set_query(None);
    decide.set_path(&format!("{}/decide", authorize.path()));
    Call::form(decide, &fields)
}

/// The redirect back, as a browser follows it.
pub(super) fn come_back(callback: Url) -> Call {
    Call::new(Method::GET, callback).with("sec-fetch-site", "cross-site")
}

/// The pair in an answer of the token routes.
pub(super) fn pair(answer: &Answer) -> Outcome<Tokens> {
    Ok(Tokens {
        access: member(answer, "access_token")?,
        refresh: member(answer, "refresh_token")?,
    })
}

fn expect(answer: &Answer, status: u16, otherwise: &str) -> Outcome {
    if answer.status.as_u16() == status {
        return Ok(());
    }
    let seen = super::record::Seen::of(answer);
    Err(NotRun::because(format!("{otherwise}: {} was answered.", seen.line())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_was_made_up_is_told_apart() {
        assert!(is_made_up(&address().expect("an address")));
        for other in [
            "ada@lab.invalid",
            "lab-1@lab.invalid",
            "lab-ada0ada0ada0ada0ada0ada0ada0adal@lab.invalid",
            "lab-00000000000000000000000000000000@lab.example",
            "lab-00000000000000000000000000000000lab.invalid",
            "xlab-00000000000000000000000000000000@lab.invalid",
        ] {
            assert!(!is_made_up(other), "{other}");
        }
    }
}
