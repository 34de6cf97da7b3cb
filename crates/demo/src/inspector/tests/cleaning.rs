use super::*;

const TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln";

#[test]
fn the_token_is_found_in_what_was_pasted() {
    use Removed as R;
    for (before, after, removed) in [
        ("", "", vec![]),
        ("  ", "\r\n", vec![R::Blanks]),
        ("\"", "\"", vec![R::Quotes]),
        ("'", "'", vec![R::Quotes]),
        ("“", "”", vec![R::Quotes]),
        ("\"", "\",\n", vec![R::Blanks, R::Quotes, R::Punctuation]),
        ("Bearer ", "", vec![R::Scheme("Bearer")]),
        ("bearer\t", "", vec![R::Scheme("Bearer")]),
        ("DPoP ", "", vec![R::Scheme("DPoP")]),
        ("Authorization: Bearer ", "", vec![R::HeaderName, R::Scheme("Bearer")]),
        ("authorization:bearer ", " ", vec![R::Blanks, R::HeaderName, R::Scheme("Bearer")]),
        ("\"Authorization\": \"Bearer ", "\"", vec![R::Scheme("Bearer"), R::Quotes]),
        (
            "curl localhost:3000/api/v1/me -H 'Authorization: Bearer ",
            "'",
            vec![R::Scheme("Bearer"), R::Quotes],
        ),
        ("{\"access_token\":\"", "\"}", vec![R::Json("access_token")]),
        (
            "{\"token_type\":\"Bearer\", \"refresh_token\":\"r\", \"access_token\" : \"",
            "\", \"expires_in\": 300}\n",
            vec![R::Blanks, R::Json("access_token")],
        ),
        ("{\"id_token\":\"", "", vec![R::Json("id_token")]),
        ("  \"access_token\": \"", "\",", vec![R::Blanks, R::Json("access_token")]),
        ("latchkey_token=", "; Path=/; HttpOnly", vec![R::Parameter("latchkey_token")]),
        (
            "https://app.test/cb#access_token=",
            "&token_type=Bearer",
            vec![R::Parameter("access_token")],
        ),
        ("\u{feff}", "\u{200b}", vec![R::Unseen(2)]),
        ("<", ">", vec![R::Punctuation]),
    ] {
        let pasted = format!("{before}{TOKEN}{after}");
        assert_eq!(clean(&pasted), Cleaned { token: TOKEN.to_owned(), removed }, "{pasted}");
    }
}

#[test]
fn line_breaks_inside_are_taken_out() {
    let (one, two) = TOKEN.split_at(30);
    for (between, count) in [("\n", 1), ("\r\n  ", 4), (" ", 1), ("\\n", 1)] {
        let cleaned = clean(&format!("{one}{between}{two}"));
        let expected = vec![Removed::BlanksInside(count)];
        assert_eq!((cleaned.token.as_str(), cleaned.removed), (TOKEN, expected), "{between:?}");
    }
}

#[test]
fn what_belongs_to_a_token_stays() {
    for text in [
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", // its last dot is its third part
        "eyJhbGciOiJub25lIn0.eyJz",
        "abc=",
        "YWNjZXNzX3Rva2Vu.token=",
        "{\"payload\":\"x\",\"signatures\":[{\"protected\":\"y\"",
        "",
    ] {
        assert_eq!(clean(text), Cleaned { token: text.to_owned(), removed: vec![] }, "{text}");
    }
}

#[test]
fn cleaning_comes_to_an_end() {
    for (text, token) in [
        ("Bearer Bearer Bearer x".to_owned(), "x"),
        ("\"'\"'\"'".to_owned(), ""),
        ("access_token=access_token=x".to_owned(), "x"),
        ("{\"token\":\"{\\\"token\\\":\\\"x\\\"}\"}".to_owned(), "x"),
        ("(".repeat(100_000), ""),
    ] {
        assert_eq!(clean(&text).token, token, "{text:.40}");
    }
    // Beyond what anybody means, the rest stays.
    let layers = clean(&"bearer ".repeat(10_000)).token;
    assert!(layers.starts_with("bearer bearer"), "{layers:.40}");
}
