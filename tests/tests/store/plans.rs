//! Every statement uses an index: constants are parsed from the source, and SQLite explains its
//! query plan.

use std::collections::HashMap;
use std::iter::Peekable;
use std::path::Path;
use std::str::Chars;

use latchkey_store::Db;
use latchkey_tests::{Database, texts};

/// May be scanned: small tables, and queries that an operator waits for once.
const WHOLE: [&str; 4] =
    ["signing_keys", "_migrations", "u.email LIKE '%@' || $1", "MAX(LENGTH(roles))"];

/// Scanning an index with few rows is fine.
const FEW: &str = "USING INDEX wide_";

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Text(String),
    Word(String),
    Sign(char),
}

use Token::{Sign, Text, Word};

fn tokens(source: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|c| *c != '\n').is_some() {},
            '"' => found.push(Text(text(&mut chars))),
            c if c.is_ascii_alphanumeric() || c == '_' => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    word.push(c);
                }
                found.push(Word(word));
            }
            c if c.is_whitespace() => {}
            c => found.push(Sign(c)),
        }
    }
    found
}

fn text(chars: &mut Peekable<Chars<'_>>) -> String {
    let mut text = String::new();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' if chars.next_if_eq(&'\n').is_some() => {
                while chars.next_if(|c| c.is_whitespace()).is_some() {}
            }
            '\\' => text.extend(chars.next()),
            c => text.push(c),
        }
    }
    text
}

/// The tokens between a bracket and the matching one.
fn group(tokens: &[Token]) -> &[Token] {
    let mut depth = 0;
    let end = tokens.iter().position(|token| {
        match token {
            Sign('(' | '{' | '[') => depth += 1,
            Sign(')' | '}' | ']') => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    &tokens[1..end.unwrap_or(tokens.len()).max(1)]
}

type Arm = (Vec<Token>, Vec<Token>);

fn macros(tokens: &[Token]) -> HashMap<String, Vec<Arm>> {
    let mut found = HashMap::new();
    for (at, token) in tokens.iter().enumerate() {
        let Some([Sign('!'), Word(name), ..]) = tokens.get(at + 1..) else { continue };
        if *token != Word("macro_rules".to_owned()) {
            continue;
        }
        let (mut rest, mut arms) = (group(&tokens[at + 3..]), Vec::new());
        while let Some(start) = rest.iter().position(|token| *token == Sign('(')) {
            let pattern = group(&rest[start..]);
            // `) => {`
            let body = start + pattern.len() + 4;
            let inner = group(rest.get(body..).unwrap_or_default());
            arms.push((pattern.to_vec(), inner.to_vec()));
            rest = rest.get(body + inner.len() + 2..).unwrap_or_default();
        }
        found.insert(name.clone(), arms);
    }
    found
}

/// Evaluates literals, `concat!` and our macros.
fn evaluate(tokens: &[Token], macros: &[&HashMap<String, Vec<Arm>>]) -> String {
    let mut text = String::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match (token, tokens.get(at), tokens.get(at + 1)) {
            (Text(literal), ..) => text.push_str(literal),
            (Word(name), Some(Sign('!')), Some(Sign('('))) => {
                let arguments = group(&tokens[at + 1..]);
                at += arguments.len() + 3;
                let known = macros.iter().find_map(|known| known.get(name));
                let expanded =
                    known.and_then(|arms| arms.iter().find_map(|arm| expand(arm, arguments)));
                text.push_str(&evaluate(expanded.as_deref().unwrap_or(arguments), macros));
            }
            _ => {}
        }
    }
    text
}

/// The body of a macro arm whose pattern matches, with one literal substituted.
fn expand((pattern, body): &Arm, arguments: &[Token]) -> Option<Vec<Token>> {
    let Some(variable) = pattern.iter().position(|token| *token == Sign('$')) else {
        return (pattern == arguments).then(|| body.clone());
    };
    let (given, literal) = arguments.split_at_checked(variable)?;
    let ([literal @ Text(_)], true) = (literal, given == &pattern[..variable]) else { return None };
    let name = &pattern[variable + 1];
    let replaced = body.iter().map(|token| if token == name { literal } else { token });
    Some(replaced.cloned().collect())
}

fn constants(tokens: &[Token], macros: &[&HashMap<String, Vec<Arm>>]) -> Vec<String> {
    let starts = tokens.windows(6).enumerate().filter(|(_, window)| {
        matches!(window, [Word(a), Word(_), Sign(':'), Sign('&'), Word(b), Sign('=')]
            if a == "const" && b == "str")
    });
    let values = starts.map(|(at, _)| {
        let rest = &tokens[at + 6..];
        let end = rest.iter().position(|token| *token == Sign(';')).unwrap_or(rest.len());
        evaluate(&rest[..end], macros)
    });
    let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "];
    values.filter(|value| verbs.iter().any(|verb| value.starts_with(verb))).collect()
}

fn sources(folder: &Path, found: &mut Vec<Vec<Token>>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(tokens(&std::fs::read_to_string(path).expect("a source")));
        }
    }
}

#[tokio::test]
async fn no_statement_does_a_full_table_scan() {
    let mut files = Vec::new();
    sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/store/src")), &mut files);
    let everywhere: HashMap<_, _> = files.iter().flat_map(|file| macros(file)).collect();
    let statements: Vec<String> =
        files.iter().flat_map(|file| constants(file, &[&macros(file), &everywhere])).collect();
    assert!(statements.len() > 80, "{}", statements.len());
    let database = Database::sqlite().await;
    let Db::Sqlite(pool) = &database.db else { panic!("SQLite") };
    let tables = texts(&database.db, "SELECT name FROM sqlite_master WHERE type = 'table'").await;
    let mut one = pool.get().await.expect("a connection");
    let mut whole = Vec::new();
    for statement in &statements {
        // Statements for PostgreSQL only, which read no table.
        let is_foreign = ["pg_", "clock_timestamp()"].iter().any(|one| statement.contains(one));
        if is_foreign || WHOLE.iter().any(|small| statement.contains(small)) {
            continue;
        }
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explain).fetch_all(&mut *one).await.unwrap_or_else(|error| {
                panic!("{statement}: {error}");
            });
        for (.., step) in plan {
            let scanned = step.strip_prefix("SCAN ").and_then(|name| name.split(' ').next());
            let is_whole = scanned.is_some_and(|name| is_table(name, statement, &tables));
            if is_whole && !step.contains(FEW) {
                whole.push(format!("{step}: {statement}"));
            }
        }
    }
    assert!(whole.is_empty(), "{}", whole.join("\n"));
}

/// Whether this is a table or an alias of one.
fn is_table(name: &str, statement: &str, tables: &[String]) -> bool {
    tables.iter().any(|table| {
        table == name
            || [format!(" {table} {name} "), format!(" {table} {name},")]
                .iter()
                .any(|alias| format!("{statement} ").contains(alias))
    })
}
