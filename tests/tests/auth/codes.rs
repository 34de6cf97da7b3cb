//! The reasons for which a token is refused.

use std::collections::HashSet;

use latchkey_auth::tokens::TokenError;

#[test]
fn codes_and_sentences_are_distinct() {
    let codes: HashSet<_> = TokenError::ALL.iter().map(|error| error.code()).collect();
    let said: HashSet<_> = TokenError::ALL.iter().map(ToString::to_string).collect();
    assert_eq!((codes.len(), said.len()), (TokenError::ALL.len(), TokenError::ALL.len()));
    assert!(codes.iter().all(|code| code.starts_with("token_")));
    assert!(said.iter().all(|said| said.ends_with('.')));
}
