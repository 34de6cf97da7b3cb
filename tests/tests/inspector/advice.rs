//! The chooser's advice for every combination of answers.

use std::collections::BTreeSet;

use latchkey_demo::choose::advice::{
    Answers, Callers, Database, Delegation, Ending, Passwords, ProgramCredential, Services, decide,
};
use latchkey_demo::choose::{DotEnv, Reasons};
use latchkey_demo::compare::results::Comparison;
use latchkey_domain::sign_in::CredentialKind;
use latchkey_tests::jws::with_changes;
use latchkey_web::settings::{Capabilities, Environment, Revocation, Settings};
use serde_json::{Value, json};

fn all_answers() -> Vec<Answers> {
    all_forms().into_iter().map(|it| serde_json::from_value(it).expect("an answer")).collect()
}

/// Every combination of the choices on the page, as JSON.
fn all_forms() -> Vec<Value> {
    let page = include_str!("../../../templates/choose.html");
    let choices = page.lines().filter_map(|line| line.split_once("call choice(selected, \""));
    let mut questions = std::collections::BTreeMap::<_, Vec<_>>::new();
    for (_, choice) in choices {
        let mut words = choice.split('"');
        let question = words.next().expect("a question");
        questions.entry(question).or_default().push(words.nth(1).expect("an answer"));
    }
    let mut all = vec![serde_json::Map::new()];
    for (question, values) in questions {
        let with = |given: &serde_json::Map<_, _>, value: &&str| {
            let mut given = given.clone();
            given.insert(question.to_owned(), (*value).into());
            given
        };
        let each = |given| values.iter().map(move |value| with(&given, value));
        all = all.into_iter().flat_map(each).collect();
    }
    all.into_iter().map(Value::Object).collect()
}

#[test]
fn every_answer_combination_gives_consistent_advice() {
    for answers in all_answers() {
        let advice = decide(&answers);
        let context = format!("{answers:?} {advice:?}");
        if answers.ending == Ending::AtOnce {
            let is_session = advice.credential == CredentialKind::Session;
            assert!(is_session, "only a lookup ends at the next request: {context}");
        }
        if advice.has_jwt() {
            let watches = advice.revocation == Revocation::Watch;
            assert_eq!(watches, answers.ending != Ending::Minutes, "{context}");
        } else {
            assert_eq!(advice.revocation, Revocation::Expiry, "nothing to watch: {context}");
        }
        if answers.callers != Callers::Pages || answers.services == Services::Apart {
            assert!(advice.programs.is_some(), "programs have no credential: {context}");
        } else {
            assert_eq!(advice.programs, None, "{context}");
        }
        let asks = answers.services == Services::Apart && answers.ending != Ending::Minutes;
        if answers.callers == Callers::Others || asks {
            assert_eq!(advice.programs, Some(ProgramCredential::Opaque), "{context}");
        }
        if answers.services != Services::One {
            assert!(advice.shares_database, "{context}");
        }
        assert_eq!(advice.connects, answers.delegation == Delegation::Yes, "{context}");
    }
}

#[test]
fn common_answers_give_expected_credentials() {
    use Callers as C;
    use Database as D;
    use Ending as E;
    use ProgramCredential as P;
    use Services as S;
    for (callers, ending, services, database, key, programs) in [
        (C::Pages, E::AtOnce, S::One, D::Here, CredentialKind::Session, None),
        (C::Pages, E::Minutes, S::One, D::Here, CredentialKind::Session, None),
        (C::Pages, E::Minutes, S::Replicas, D::Near, CredentialKind::Session, None),
        (C::Pages, E::Minutes, S::Replicas, D::Far, CredentialKind::Jwt, None),
        (C::Pages, E::Second, S::One, D::Far, CredentialKind::Jwt, None),
        (C::Pages, E::AtOnce, S::One, D::Far, CredentialKind::Session, None),
        (C::Programs, E::Minutes, S::One, D::Here, CredentialKind::Session, Some(P::Jwt)),
        (C::Programs, E::Second, S::Apart, D::Near, CredentialKind::Session, Some(P::Opaque)),
        (C::Pages, E::Minutes, S::Apart, D::Here, CredentialKind::Session, Some(P::Jwt)),
        (C::Others, E::Minutes, S::Apart, D::Far, CredentialKind::Session, Some(P::Opaque)),
        (C::Others, E::AtOnce, S::One, D::Here, CredentialKind::Session, Some(P::Opaque)),
    ] {
        let passwords = Passwords::Both;
        let delegation = Delegation::No;
        let answers = Answers { passwords, callers, ending, services, database, delegation };
        let advice = decide(&answers);
        assert_eq!((advice.credential, advice.programs), (key, programs), "{answers:?}");
    }
}

#[test]
fn all_six_answers_are_required() {
    assert_eq!(all_answers().len(), 3 * 3 * 3 * 3 * 3 * 2);
    let whole = all_forms().remove(0);
    let questions: Vec<_> = whole.as_object().expect("an object").keys().collect();
    assert_eq!(questions.len(), 6);
    for question in questions {
        for change in [json!(null), json!("x")] {
            let given = with_changes(&whole, json!({ question: change }));
            assert!(serde_json::from_value::<Answers>(given.clone()).is_err(), "{given}");
        }
    }
}

#[test]
fn every_reason_is_unique_and_cites_a_claim() {
    for answers in all_answers() {
        let (advice, comparison) = (&decide(&answers), &Comparison::default());
        let html = Reasons { answers: &answers, advice, comparison }.to_string();
        let reasons = html.split("<li><div class=\"rows__main\">").skip(1);
        let mut seen = BTreeSet::new();
        for reason in reasons {
            let (said, rest) = reason.split_once("</div>").expect("a sentence");
            let (_, claim) = rest.split_once("/compare/").expect("a claim");
            let claim = claim.split('"').next().and_then(|it| it.parse().ok());
            assert!(claim.is_some_and(|claim: u8| (1..=16).contains(&claim)), "{said}");
            assert!(said.ends_with('.') && seen.insert(said), "{answers:?}: {said}");
        }
        assert!(seen.len() >= 6, "{answers:?}");
    }
}

#[test]
fn every_answer_combination_gives_valid_settings() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(".env");
    for answers in all_answers() {
        let advice = decide(&answers);
        let text = DotEnv { advice: &advice }.to_string();
        std::fs::write(&file, &text).expect("written");
        let environment = Environment::from_file(&file);
        let settings = Settings::load(&environment, Capabilities::ALL).expect(&text);
        let warnings: Vec<_> = settings.warnings.iter().map(|one| &one.variable).collect();
        assert!(warnings.is_empty(), "{warnings:?}\n{text}");
        assert_eq!(settings.jwt.revocation, advice.revocation, "{text}");
        let has_providers = advice.has_provider();
        assert_eq!(!settings.providers.is_empty(), has_providers, "{text}");
        let is_postgres = settings.database_url.expose().starts_with("postgres:");
        assert_eq!(is_postgres, advice.shares_database, "{text}");
    }
}
