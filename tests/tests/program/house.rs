//! No circular imports: no file of a crate imports another that leads back to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::sources::{root, sources};

type Module = Vec<String>;

/// A source file with its imports and re-exports.
struct File {
    imports: BTreeSet<Module>,
    /// `pub use`: the public name, and the path behind it.
    reexports: BTreeMap<String, Module>,
}

#[test]
fn source_files_have_no_circular_imports() {
    let mut circles = Vec::new();
    for folder in std::fs::read_dir(root().join("crates")).expect("crates").flatten() {
        let files = files(&folder.path().join("src"));
        let graph = graph(&files);
        for circle in circles_of(&graph) {
            circles.push(format!("{}: {}", folder.file_name().display(), circle.join(" → ")));
        }
    }
    assert!(circles.is_empty(), "{} circles:\n{}", circles.len(), circles.join("\n"));
}

/// Every module of a crate by its path, without `tests` modules.
fn files(src: &Path) -> BTreeMap<Module, File> {
    let modules: Vec<(Module, PathBuf)> = sources(src, "rs")
        .into_iter()
        .filter_map(|path| Some((module(path.strip_prefix(src).ok()?), path)))
        .filter(|(module, _)| !module.iter().any(|part| part == "tests" || part == "main"))
        .collect();
    let read = |(module, path): &(Module, PathBuf)| {
        let text = std::fs::read_to_string(path).expect("a source file");
        (module.clone(), file(module, &strip_tests_and_comments(&text)))
    };
    modules.iter().map(read).collect()
}

fn module(path: &Path) -> Module {
    let mut parts: Module =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

fn strip_tests_and_comments(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

fn file(module: &[String], code: &str) -> File {
    let mut file = File { imports: BTreeSet::new(), reexports: BTreeMap::new() };
    let children: BTreeSet<&str> = code
        .lines()
        .filter_map(|line| line.trim().rsplit_once("mod ")?.1.strip_suffix(';'))
        .collect();
    for statement in code.split(';') {
        let statement = statement.trim_start();
        let Some(at) = statement.find("use ").filter(|at| {
            let before = statement[..*at].trim_end();
            before.is_empty()
                || before.ends_with("pub")
                || before.ends_with(')')
                || before.ends_with('}')
                || before.ends_with('{')
                || before.ends_with(']')
        }) else {
            continue;
        };
        let is_public = statement[..at].trim_end().ends_with("pub")
            || statement[..at].trim_end().ends_with(')');
        for (path, name) in expand(&statement[at + 4..]) {
            if let Some(path) = absolute(module, &children, &path) {
                if is_public {
                    file.reexports.insert(name, path.clone());
                }
                file.imports.insert(path);
            }
        }
    }
    for path in inline_paths(code) {
        file.imports.extend(absolute(module, &children, &path));
    }
    file
}

/// `a::{b, c as d}` as single paths, each with its local name.
fn expand(tree: &str) -> Vec<(Module, String)> {
    let tree = tree.trim();
    if let Some((prefix, rest)) = tree.split_once('{') {
        let prefix: Module = segments(prefix);
        let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
        let branches = split_at_commas(inner);
        return branches
            .iter()
            .flat_map(|branch| expand(branch))
            .map(|(path, name)| {
                let own = path.first().is_some_and(|first| first == "self");
                let path = prefix.iter().cloned().chain(path.into_iter().skip(usize::from(own)));
                (path.collect(), name)
            })
            .collect();
    }
    let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(p, a)| (p, Some(a.trim())));
    let path = segments(path);
    let name = alias.map(str::to_owned).or_else(|| path.last().cloned()).unwrap_or_default();
    if path.is_empty() { Vec::new() } else { vec![(path, name)] }
}

fn segments(path: &str) -> Module {
    path.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn split_at_commas(text: &str) -> Vec<String> {
    let (mut depth, mut parts) = (0_usize, vec![String::new()]);
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

/// Paths in code, such as `crate::a::b(…)` or `super::c`.
fn inline_paths(code: &str) -> Vec<Module> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    code.split(|c| !is_path(c))
        .filter(|path| path.contains("::") && !path.ends_with("::"))
        .map(segments)
        .collect()
}

/// The path from the root of the crate; `None` outside of it.
fn absolute(module: &[String], children: &BTreeSet<&str>, path: &[String]) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    let mut base = match first.as_str() {
        "crate" => Vec::new(),
        "self" => module.to_vec(),
        "super" => module[..module.len().checked_sub(1)?].to_vec(),
        child if children.contains(child) => [module, &[child.to_owned()]].concat(),
        _ => return None,
    };
    let mut rest = rest;
    while let Some(("super", further)) = rest.split_first().map(|(f, r)| (f.as_str(), r)) {
        base.pop();
        rest = further;
    }
    base.extend(rest.iter().cloned());
    Some(base)
}

/// The file that a path leads to, through re-exports.
fn target(files: &BTreeMap<Module, File>, path: &[String], depth: usize) -> Option<Module> {
    let length = (0..=path.len()).rev().find(|length| files.contains_key(&path[..*length]))?;
    let (found, rest) = path.split_at(length);
    let onward = rest.first().and_then(|item| files[found].reexports.get(item));
    match onward {
        Some(onward) if depth < 8 => target(files, onward, depth + 1),
        _ => Some(found.to_vec()),
    }
}

fn graph(files: &BTreeMap<Module, File>) -> BTreeMap<String, BTreeSet<String>> {
    let name = |module: &[String]| match module {
        [] => "lib".to_owned(),
        parts => parts.join("/"),
    };
    let targets = |from: &Module, file: &File| {
        let found = file.imports.iter().filter_map(|path| target(files, path, 0));
        found.filter(|to| to != from).map(|to| name(&to)).collect::<BTreeSet<_>>()
    };
    files.iter().map(|(from, file)| (name(from), targets(from, file))).collect()
}

/// The shortest circle through each file that is in one, each circle once.
fn circles_of(graph: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<Vec<String>> {
    let mut circles = BTreeSet::new();
    for start in graph.keys() {
        let mut ways = vec![vec![start.clone()]];
        let mut seen = BTreeSet::new();
        'search: while !ways.is_empty() {
            let mut longer = Vec::new();
            for way in ways {
                let last = &way[way.len() - 1];
                for next in graph.get(last).into_iter().flatten() {
                    if next == start {
                        let mut circle = way.clone();
                        let least = (0..circle.len()).min_by_key(|n| &circle[*n]).unwrap_or(0);
                        circle.rotate_left(least);
                        circles.insert(circle);
                        break 'search;
                    }
                    if seen.insert(next.clone()) {
                        longer.push([way.as_slice(), std::slice::from_ref(next)].concat());
                    }
                }
            }
            ways = longer;
        }
    }
    circles
}

#[test]
fn circular_imports_are_found_through_reexports() {
    let parse = |module: &str, code: &str| {
        let module: Module = segments(module);
        (module.clone(), file(&module, &strip_tests_and_comments(code)))
    };
    let circles = |sources: &[(&str, &str)]| {
        let files = sources.iter().map(|(module, code)| parse(module, code)).collect();
        circles_of(&graph(&files)).len()
    };
    let lib = ("", "mod a;\nmod b;\npub use b::Error;");
    assert_eq!(circles(&[lib, ("a", "use crate::Error;"), ("b", "pub struct Error;")]), 0);
    assert_eq!(circles(&[lib, ("a", "use crate::b::{self, Error};"), ("b", "crate::a::f();")]), 1);
    assert_eq!(circles(&[("", "mod a;\nfn f() { a::g() }"), ("a", "use super::f;")]), 1);
    assert_eq!(circles(&[("", "mod a;\nfn f() {}"), ("a", "use super::f;")]), 0);
    let tests = "fn f() {}\n#[cfg(test)]\nmod tests {\n use crate::b::g; }";
    assert_eq!(circles(&[lib, ("a", tests), ("b", "use crate::a::f;")]), 0);
}
