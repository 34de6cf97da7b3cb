#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use super::*;

fn new(name: &str) -> NewPerson {
    NewPerson::parse(name, "new@example.test", true).unwrap()
}

#[test]
fn everybody_is_somebody_else_at_every_provider() {
    let people = builtin::people();
    let count = |ids: HashSet<String>| ids.len();
    for distinct in [
        count(people.iter().map(|p| p.key.clone()).collect()),
        count(people.iter().map(|p| p.google_sub.clone()).collect()),
        count(people.iter().map(|p| p.github.id.to_string()).collect()),
        count(people.iter().map(|p| p.github.login.clone()).collect()),
        count(people.iter().map(|p| p.facebook_id.clone()).collect()),
    ] {
        assert_eq!(distinct, people.len());
    }
}

#[test]
fn each_persona_walks_its_branch() {
    let people = People::load(None).unwrap();
    let person = |key| people.find(key).unwrap();
    let verified = |key| person(key).email.as_ref().map(|email| email.verified);
    assert_eq!(verified("ada"), Some(true));
    assert_eq!(verified("grace"), Some(false));
    assert_eq!(verified("noor"), None);
    assert_eq!(person("twin").email, person("ada").email);
    assert_eq!(person("twin").github.email, person("ada").email);
    assert_ne!(person("ada").github.email, person("ada").email);
    assert_eq!(person("twin").facebook_id, person("ada").github.id.to_string());
    assert!(person("octo").github.id > 1 << 53);
    let characters = person("long").name.chars().count();
    assert!((190..=260).contains(&characters), "{characters}");
    assert_eq!(person("alan").email.as_ref().unwrap().address, "admin@example.test");
}

#[test]
fn the_form_is_checked() {
    let long = "é".repeat(200);
    let too_long = "é".repeat(201);
    let address = |length: usize| format!("{}@x.test", "a".repeat(length - 7));
    for (name, email, expected) in [
        ("Somebody", "a@b", Ok(())),
        ("  Somebody ", "", Ok(())),
        (&long, "", Ok(())),
        (&too_long, "", Err(Invalid::Name)),
        ("", "a@b", Err(Invalid::Name)),
        ("   ", "a@b", Err(Invalid::Name)),
        ("a\nb", "a@b", Err(Invalid::Name)),
        ("a\0b", "a@b", Err(Invalid::Name)),
        ("A", "a", Err(Invalid::Email)),
        ("A", "@b", Err(Invalid::Email)),
        ("A", "a@", Err(Invalid::Email)),
        ("A", "a@b@c", Err(Invalid::Email)),
        ("A", "a b@c", Err(Invalid::Email)),
        ("A", "a@b\r\nBcc: c@d", Err(Invalid::Email)),
        ("A", &address(254), Ok(())),
        ("A", &address(255), Err(Invalid::Email)),
    ] {
        let parsed = NewPerson::parse(name, email, true).map(|_| ());
        assert_eq!(parsed, expected, "{name:?} {email:?}");
    }
}

#[test]
fn created_people_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep").join("people.json");
    let somebody = People::load(Some(file.clone())).unwrap().create(new("Somebody")).unwrap();
    let again = People::load(Some(file)).unwrap();
    assert_eq!(again.find(&somebody.key).as_deref(), Some(&*somebody));
    assert!(again.find("ada").is_some());
}

#[test]
fn a_file_that_makes_no_sense_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.json");
    std::fs::write(&file, "{").unwrap();
    assert!(matches!(People::load(Some(file)), Err(Error::PeopleFile { .. })));
}

#[test]
fn nobody_is_added_who_cannot_be_kept_or_is_one_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.json");
    let people = People::load(Some(file.clone())).unwrap();
    // A folder where the file beside should go cannot be written over.
    std::fs::create_dir(file.with_extension("json.new")).unwrap();
    let before = people.all().len();
    assert!(matches!(people.create(new("Lost")), Err(CreateError::NotKept(_))));
    assert_eq!(people.all().len(), before);

    let people = People::load(None).unwrap();
    for _ in 0..MAX_CREATED {
        people.create(new("Somebody")).unwrap();
    }
    assert!(matches!(people.create(new("More")), Err(CreateError::Full)));
}

#[test]
fn a_hint_is_a_key_an_address_or_a_login() {
    let people = People::load(None).unwrap();
    for (hint, key) in [
        ("grace", Some("grace")),
        ("grace@example.test", Some("grace")),
        ("octavia", Some("octo")),
        ("nobody", None),
    ] {
        let found = people.hinted(hint).map(|person| person.key.clone());
        assert_eq!(found.as_deref(), key, "{hint}");
    }
}
