//! User input: names, addresses, passwords.

use latchkey_domain::contact::Details;
use latchkey_domain::email::InvalidEmail;
use latchkey_domain::password::{
    MAX_BYTES, MIN_CHARS, Password, PasswordTooLong, WeakPassword, check,
};
use latchkey_domain::{DisplayName, Email};

#[test]
fn contact_details_report_all_invalid_fields() {
    let (long, digits) = ("x".repeat(201), "1".repeat(41));
    for (name, email, phone, wrong) in [
        ("Ada", None, None, &[][..]),
        ("Ada", Some(" "), Some(""), &[]),
        ("Ada", Some("ada@x.test"), Some("+44 (0)20 555-01.23/4"), &[]),
        (" ", Some("ada"), Some("call me"), &["name", "email", "phone"]),
        ("a\0b", None, None, &["name"]),
        ("\tAda", None, Some("\t"), &["name", "phone"]),
        (&long, None, Some(&digits), &["name", "phone"]),
        ("Ada", None, Some("+"), &["phone"]),
    ] {
        let invalid = Details::check(name, email, phone).err().unwrap_or_default();
        let fields: Vec<_> = invalid.into_iter().map(|invalid| invalid.field).collect();
        assert_eq!(fields, wrong, "{name:.20}");
    }
}

#[test]
fn email_spellings_normalize_to_one_form() {
    for written in [
        "ada@example.test",
        "Ada@Example.TEST",
        "  ada@example.test\t",
        "ａｄａ@example.test", // full-width letters
        "ada@example.test.",   // the dot of the root
        "ada@example。test",   // an ideographic full stop
    ] {
        assert_eq!(Email::parse(written).map(String::from), Ok("ada@example.test".to_owned()));
    }
}

#[test]
fn email_domain_stored_as_punycode_displays_as_unicode() {
    for written in [
        "kai@bücher.test",
        "kai@xn--bcher-kva.test",
        "Kai@XN--BCHER-KVA.Test",
        "KAI@BÜCHER.TEST",
        "kai@bu\u{308}cher.test",
        "kai@bücher.test.",
        "kai@ｂücher。test",
    ] {
        let email = Email::parse(written).expect("an address");
        assert_eq!(email.as_str(), "kai@xn--bcher-kva.test", "{written}");
        assert_eq!(email.to_string(), "kai@bücher.test", "{written}");
        assert_eq!(Email::parse(&email.to_string()), Ok(email), "{written}");
    }
}

#[test]
fn email_normalization_is_idempotent() {
    for code in 0x20..0x3000_u32 {
        let Some(base) = char::from_u32(code) else { continue };
        for written in [format!("{base}@x.test"), format!("{base}\u{308}@x.test")] {
            let Ok(once) = Email::parse(&written) else { continue };
            assert_eq!(Email::parse(once.as_str()).as_ref(), Ok(&once), "{code:x}");
        }
    }
}

#[test]
fn invalid_emails_are_rejected() {
    let long = format!("{}@example.test", "a".repeat(300));
    let huge = "a".repeat(100_000);
    for wrong in [
        "",
        "ada",
        "@",
        "ada@",
        "@example.test",
        "a@b@c",
        "a b@example.test",
        "ada@example..test",
        "ada@.test",
        "ada\r\nBcc: x@example.test",
        "ada\0@example.test",
        "Ada <ada@example.test>",
        ".ada@example.test",
        "ada.@example.test",
        "a..da@example.test",
        "ada(work)@example.test",
        "ada@[192.0.2.1]",
        "ada@192.0.2.1",
        "ada@0x7f.1",
        "ada@-example.test",
        "ada@example-.test",
        "ada@exa_mple.test",
        "ada@exa%6dple.test",
        "ada@example.test/x",
        "ada@xn--a.test",
        "ada@example.test..",
        &format!("ada@{}.test", "a".repeat(64)),
        &long,
        &huge,
    ] {
        assert_eq!(Email::parse(wrong), Err(InvalidEmail), "{wrong:.40}");
    }
}

#[test]
fn display_names_are_sanitized() {
    for (sent, shown) in [
        ("Ada Lovelace", Some("Ada Lovelace")),
        ("  Ada\t\n Lovelace ", Some("Ada Lovelace")),
        ("Ada\0\u{202e}Lovelace", Some("AdaLovelace")),
        ("👩\u{200d}💻", Some("👩\u{200d}💻")),
        ("", None),
        ("\0 \u{202e}", None),
    ] {
        assert_eq!(DisplayName::clean(sent).as_ref().map(DisplayName::as_str), shown, "{sent:?}");
    }
}

#[test]
fn long_display_names_are_truncated_to_120_characters() {
    let name = DisplayName::clean(&"日本 ".repeat(50_000));
    let length = name.map(|name| name.as_str().chars().count());
    assert!(length.is_some_and(|n| (119..=120).contains(&n)), "{length:?}");
}

#[test]
fn first_non_empty_display_name_is_used() {
    assert_eq!(DisplayName::first_of([None, Some(""), Some("octo")]).as_str(), "octo");
    assert_eq!(DisplayName::first_of([None]).as_str(), "Someone");
    assert_eq!(DisplayName::first_of([Some("ada k lovelace")]).initials(), "AL");
    assert_eq!(DisplayName::first_of([Some("octo")]).initials(), "O");
}

const ADA: [&str; 2] = ["ada.k+shop@example.test", "Ada Lovelace"];

#[test]
fn passwords_accept_any_character() {
    for good in [
        "correct horse battery staple",
        "        x       ",
        " leading and trailing ",
        "8 chars!",
        "пароль длинный",
        "密码密码很长很长",
        "👩\u{200d}💻🦀🦀🦀🦀🦀",
        "nul\0and\ttab",
        "' OR 1=1; --",
        "adalovelaceinvented", // more than the name
        "latchkeysmith and sons",
        "Ada Lovelace 1815-12-10",
        &"ab c".repeat(64),
        &"🦀b".repeat(128),
    ] {
        assert_eq!(check(good, &ADA), Ok(()), "{good:.40}");
    }
}

#[test]
fn weak_passwords_are_rejected_with_reason() {
    use WeakPassword::{Common, Context, Repeated, Sequence, TooLong, TooShort};
    let (long, huge) = ("ab".repeat(129), "x".repeat(1_000_000));
    for (weak, why) in [
        ("", TooShort),
        ("1234567", TooShort),
        ("🦀🦀🦀🦀🦀🦀🦀", TooShort), // seven characters, 28 bytes
        (&long, TooLong),
        (&huge, TooLong),
        ("password", Common),
        ("PassWord", Common),
        ("qwertyuiop", Common),
        ("iloveyou", Common),
        ("1qaz2wsx", Common),
        ("aaaaaaaa", Repeated),
        ("aAaAaAaA", Repeated),
        ("        ", Repeated),
        ("🦀🦀🦀🦀🦀🦀🦀🦀", Repeated),
        ("12345678", Sequence),
        ("1234567890", Sequence),
        ("789012345", Sequence),
        ("9876543210", Sequence),
        ("abcdefgh", Sequence),
        ("HGFEDCBA", Sequence),
        ("абвгдежз", Sequence),
        ("ada.k+shop@example.test", Context),
        ("Ada.K+Shop@Example.Test1", Context),
        ("ada.k+shop", Context),
        ("ada.k1234", Context),
        ("example.test", Context),
        ("lovelace", Context),
        ("!Lovelace99", Context),
        ("Ada Lovelace", Context),
        ("adalovelace1", Context),
        ("12345latchkey", Context),
        ("LatchKey2026!", Context),
        ("latchkey-latchkey", Context),
        ("Latchkey latchkey!", Context),
        ("lovelace.lovelace", Context),
    ] {
        assert_eq!(check(weak, &ADA), Err(why), "{weak:.40}");
    }
    assert_eq!(check("41789203", &["41789203@example.test"]), Err(Context));
}

#[test]
fn common_password_list_is_sorted_and_lowercase() {
    let text = include_str!("../../../crates/domain/src/common-passwords.txt");
    let list: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(list.len() > 3000, "{}", list.len());
    assert!(list.is_sorted());
    for line in list {
        assert!(line.chars().count() >= MIN_CHARS && line == line.to_lowercase(), "{line}");
    }
}

#[test]
fn weak_password_messages_say_what_to_do() {
    let endless = "a long one, ".repeat(30);
    for (weak, advice) in [
        ("short", "Use at least 8 characters."),
        (&endless, "Use at most 256 characters."),
        ("aaaaaaaa", "Use more than one character."),
        ("12345678", "Mix them, or use a few words."),
        ("password", "Choose one of your own."),
        ("latchkey", "Don’t use your name, your e-mail address or the name of this site."),
    ] {
        let message = check(weak, &[]).expect_err("too weak").to_string();
        assert!(message.contains(advice) && message.ends_with('.'), "{weak}: {message}");
    }
}

#[test]
fn password_debug_output_is_redacted() {
    let password = Password::new("hush hush");
    assert_eq!(format!("{password:?}"), "Ok([password])");
    assert_eq!(Password::new("x".repeat(MAX_BYTES + 1)), Err(PasswordTooLong));
}
