//! Access tokens as they are presented, RFC 6750.

use http::{HeaderMap, header::AUTHORIZATION};

/// What a request to a protected resource carries.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Presented<'a> {
    /// No attempt: RFC 6750 §3.1 then wants a challenge without an error code.
    Nothing,
    /// Something that is not one well-formed token.
    Malformed,
    Token(&'a str),
}

/// Reads `Authorization`, RFC 6750 §2.1, in any of the schemes that the dialect knows.
pub(crate) fn presented<'a>(headers: &'a HeaderMap, schemes: &[&str]) -> Presented<'a> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Presented::Nothing;
    };
    if values.next().is_some() {
        return Presented::Malformed;
    }
    let token = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known)))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty());
    token.map_or(Presented::Malformed, Presented::Token)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn one_header_one_scheme_one_token() {
        for (values, expected) in [
            (&[][..], Presented::Nothing),
            (&["Bearer abc"][..], Presented::Token("abc")),
            (&["bEARER abc"][..], Presented::Token("abc")),
            (&["token abc"][..], Presented::Malformed),
            (&["Basic abc"][..], Presented::Malformed),
            (&["Bearer"][..], Presented::Malformed),
            (&["Bearer  "][..], Presented::Malformed),
            (&["Bearer abc", "Bearer abc"][..], Presented::Malformed),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            assert_eq!(presented(&headers, &["bearer"]), expected, "{values:?}");
        }
    }
}
