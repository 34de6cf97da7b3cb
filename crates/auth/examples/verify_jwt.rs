//! Verifies a JWT in a service that shares only the public keys with the issuer.
//!
//! `curl -s localhost:3000/.well-known/jwks.json > jwks.json`, then
//! `cargo run -p latchkey-auth --example verify_jwt jwks.json "$TOKEN"`
#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]

use std::error::Error;

use latchkey_auth::tokens::{Expected, Key, KeyRing, RingKey, VerifyingKey, verify};
use latchkey_domain::{Clock, Span};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (file, token) =
        (arguments.next().ok_or("which keys?")?, arguments.next().ok_or("which token?")?);
    let now = Clock::System.now();

    // Fetch the keys again when a `kid` is unknown.
    let set: serde_json::Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let keys = set["keys"].as_array().ok_or("no key set")?.iter();
    let keys = keys.filter_map(|jwk| VerifyingKey::from_jwk(jwk).ok());
    let in_ring =
        |key| RingKey { key: Key::Public(key), created_at: now, signs_from: now, retired_at: None };
    let ring = KeyRing::new(keys.map(in_ring).collect(), Span::minutes(5));

    // The issuer and the audience must match exactly.
    let expected = Expected::new("http://localhost:3000", "http://localhost:3000/api");
    match verify(&token, &ring, &expected, now) {
        Ok(claims) => println!("{} may {}", claims.sub, claims.scope),
        Err(error) => println!("{}: {error}", error.code()),
    }
    Ok(())
}
