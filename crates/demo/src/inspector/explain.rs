//! Which members of a header are dangerous. What each means stands in `inspector-members.html`.

use serde_json::Value;

/// What is dangerous about a member of a header, if anything is.
pub(crate) fn danger(name: &str, value: &Value, typ: Option<&str>) -> Option<&'static str> {
    Some(match name {
        // There it is what the proof is of: the token names its hash (RFC 9449 §6.1).
        "jwk" if typ == Some("dpop+jwt") => return None,
        "alg" if value.as_str().is_some_and(|alg| alg.eq_ignore_ascii_case("none")) => {
            "Not signed at all. A library that takes it lets everybody in (RFC 8725 §3.2)."
        }
        "alg" if value.as_str().is_some_and(|alg| alg.starts_with("HS")) => {
            "Whoever can verify it can also sign it. Given a public key as the secret, a careless \
             library takes forgeries (RFC 8725 §2.1)."
        }
        "jwk" | "x5c" => {
            "A key that comes with a token proves nothing: the forger sends their own \
             (RFC 8725 §3.10)."
        }
        "jku" | "x5u" => {
            "Whoever follows it fetches what the forger wants, from where the forger wants \
             (RFC 8725 §3.10). It was not followed."
        }
        "crit" => "Not understood means refused. Many libraries overlook it (RFC 7515 §4.1.11).",
        "b64" => "What is signed is not what is written, if a reader overlooks it (RFC 7797 §6).",
        "zip" => "A small token may unpack into a large one (RFC 8725 §3.6).",
        "kid" if value.as_str().is_some_and(looks_like_more_than_a_name) => {
            "It looks like a path, an address or a statement. A kid that is put into one opens \
             what the forger names (RFC 8725 §3.10)."
        }
        _ => return None,
    })
}

fn looks_like_more_than_a_name(kid: &str) -> bool {
    let lower = kid.to_ascii_lowercase();
    ["/", "\\", "..", "'", "\"", ";", "--", "|", "$(", "`", "\0", "\n", " union ", "select "]
        .iter()
        .any(|sign| lower.contains(sign))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_member_is_explained_once() {
        let template = include_str!("../../../../templates/inspector-members.html");
        for table in template.split("{% macro").skip(1) {
            let known: Vec<_> = table.split("{% when \"").skip(1).collect();
            assert!(known.len() > 10, "{table}");
            for one in &known {
                let (name, rest) = one.split_once("\" %}").expect("a name");
                let same = known.iter().filter(|it| it.starts_with(&format!("{name}\""))).count();
                assert_eq!(same, 1, "{name}");
                assert!(rest.contains(".<small>"), "{rest}");
            }
        }
    }
}
