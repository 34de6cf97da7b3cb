//! The lab's descriptions are true.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use latchkey_lab::attacks::{Group, all, by_id, is_made_up};

/// The root of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder above")
}

#[test]
fn attack_checks_point_to_existing_functions() {
    for attack in all() {
        let path = root().join(attack.check.file);
        let source = fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {}: {error}", attack.id, path.display()));
        let name = attack.check.name;
        let is_there = [format!("fn {name}("), format!("fn {name}<")];
        assert!(
            is_there.iter().any(|wanted| source.contains(wanted)),
            "{}: no function {name} in {}",
            attack.id,
            attack.check.file
        );
    }
}

#[test]
fn every_attack_has_a_unique_id_and_description() {
    let stories = fs::read_to_string(root().join("templates/lab-stories.html")).expect("stories");
    let mut ids = HashSet::new();
    for attack in all() {
        assert!(ids.insert(attack.id), "{} is there twice", attack.id);
        assert_eq!(by_id(attack.id).map(|found| found.title), Some(attack.title));
        assert!(attack.id.bytes().all(|b| b.is_ascii_lowercase() || b"_0123456789".contains(&b)));
        let mut stories = stories.lines();
        let story =
            stories.find_map(|one| one.strip_prefix(&format!("{{%- when \"{}\" -%}}", attack.id)));
        let story = story.unwrap_or_else(|| panic!("{} has no story", attack.id));
        assert!(story.ends_with('.') && story.len() > 40, "{}", attack.id);
        assert!(!attack.standard.is_empty() && !attack.expect.is_empty(), "{}", attack.id);
    }
    assert!(ids.len() >= 36, "{} attacks", ids.len());
    let grouped: usize = Group::ALL.iter().map(|group| group.attacks().count()).sum();
    assert_eq!(grouped, ids.len(), "an attack is in no group");
}

#[test]
fn generated_lab_addresses_are_recognized() {
    assert!(is_made_up(&format!("lab-{}@lab.invalid", "0a".repeat(16))));
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
