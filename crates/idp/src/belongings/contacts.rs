//! Address books.

use super::{chosen, id_of};
use crate::people::Person;

/// How many contacts a person has who is not written about below.
const COMMON: usize = 6;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contact {
    /// `people/c…`
    pub(crate) id: String,
    pub(crate) given_name: &'static str,
    pub(crate) family_name: &'static str,
    /// Not everybody has one.
    pub(crate) email: Option<String>,
}

static EVERYBODY: [(&str, &str); 20] = [
    ("Amara", "Okafor"),
    ("Björn", "Lindqvist"),
    ("Chiara", "Ricci"),
    ("Dai", "Morgan"),
    ("Elif", "Yıldız"),
    ("Fionn", "O’Brien"),
    ("Gwen", "Harper"),
    ("Hiro", "Tanaka"),
    ("Ines", "Carvalho"),
    ("Jonas", "Weber"),
    ("Kofi", "Mensah"),
    ("Lucía", "Fernández"),
    ("Mina", "Park"),
    ("Nils", "Eriksen"),
    ("Olga", "Petrova"),
    ("Priya", "Raman"),
    ("Quentin", "Lefèvre"),
    ("Rosa", "Jiménez"),
    ("Sanne", "de Vries"),
    ("Tomás", "Novák"),
];

fn own(person: &Person) -> &'static [(&'static str, &'static str)] {
    match person.key.as_str() {
        "ada" | "twin" => &[("Charles", "Babbage"), ("Mary", "Somerville")],
        "grace" => &[("Howard", "Aiken"), ("Jean", "Bartik")],
        "noor" => &[("Vera", "Atkins"), ("Maurice", "Southgate")],
        "alan" => &[("Joan", "Clarke"), ("Max", "Newman")],
        "octo" => &[("John", "Ruskin"), ("Robert", "Hunter")],
        "hedy" => &[("George", "Antheil"), ("James", "Stewart")],
        _ => &[],
    }
}

/// The contacts of a person, by family name.
pub(crate) fn contacts(person: &Person) -> Vec<Contact> {
    let mut names: Vec<(&str, &str)> = own(person).to_vec();
    names.extend(chosen(&EVERYBODY, COMMON, person, "contacts"));
    let mut contacts: Vec<Contact> = names.into_iter().map(|name| contact(person, name)).collect();
    contacts.sort_by_key(|contact| (contact.family_name, contact.given_name));
    contacts
}

fn contact(person: &Person, (given_name, family_name): (&'static str, &'static str)) -> Contact {
    let id = id_of(&["contact", &person.key, given_name, family_name]);
    // One in eight or so is known by telephone alone.
    let silent = id.ends_with(['0', '8']);
    let email = (!silent).then(|| format!("{}@example.test", ascii(given_name, family_name)));
    Contact { id: format!("c{id}"), given_name, family_name, email }
}

/// A local part: letters that need no explaining.
fn ascii(given_name: &str, family_name: &str) -> String {
    format!("{given_name}.{family_name}")
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            'a'..='z' | '.' => Some(c),
            'á' | 'à' => Some('a'),
            'é' | 'è' => Some('e'),
            'í' | 'ı' => Some('i'),
            'ö' | 'ó' => Some('o'),
            _ => None,
        })
        .collect()
}
