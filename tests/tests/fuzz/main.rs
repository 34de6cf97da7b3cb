//! Runs the targets of `fuzz/` with a few thousand inputs each, or `FUZZ_INPUTS` of them
//! (`FUZZ_INPUTS=1000000 cargo test --test fuzz`).
//!
//! Inputs are mutated seeds: bytes changed, removed or repeated, and two seeds joined. The random
//! numbers are fixed, so that findings are reproducible.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../../../fuzz/targets.rs"]
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Enough to find regressions, few enough for every run.
const INPUTS: u64 = 3_000;

const LONGEST: usize = 4096;

/// Bytes with a meaning in some syntax.
const WORDS: [&[u8]; 16] = [
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"%00",
    b"%",
    b"&",
    b";",
    b"=",
    b"\"",
    b"\\",
    b"//",
    b".",
    b"{\"a\":",
    b"1e309",
    b"\xf0\x9f\x91\xa8",
];

#[test]
#[expect(clippy::print_stdout, reason = "how much was tried is for whoever runs it")]
fn fuzzed_inputs_do_not_panic() {
    let inputs = std::env::vars_os().find(|(name, _)| name == "FUZZ_INPUTS");
    let inputs = inputs.and_then(|(_, count)| count.into_string().ok()?.parse().ok());
    let inputs: u64 = inputs.unwrap_or(INPUTS);
    for (name, target) in targets::ALL {
        let seeds = seeds(name);
        let mut random = Random(0x6c61_7463_686b_6579);
        for number in 0..inputs {
            let input = random.input(&seeds);
            let run = catch_unwind(AssertUnwindSafe(|| target(&input)));
            assert!(run.is_ok(), "{name}, input {number}: {}", input.escape_ascii());
        }
        println!("{name}: {inputs} inputs from {} seeds, no finding", seeds.len());
    }
}

/// cargo-fuzz finds targets by file name; this test uses the list.
#[test]
fn every_target_has_a_file_and_seeds() {
    let mut files: Vec<_> = std::fs::read_dir(folder("fuzz_targets"))
        .expect("a folder")
        .map(|entry| entry.expect("a file").path())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    files.sort();
    assert_eq!(files, targets::ALL.map(|(name, _)| name));
    let manifest = std::fs::read_to_string(folder("Cargo.toml")).expect("a manifest");
    for (name, target) in targets::ALL {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
        for seed in seeds(name) {
            target(&seed);
            targets::run(name, &seed);
        }
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(name)
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = std::fs::read_dir(folder("seeds").join(name))
        .expect("a folder of seeds")
        .map(|entry| entry.expect("a file").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{name} has no seeds");
    paths.iter().map(|path| std::fs::read(path).expect("a seed")).collect()
}

/// SplitMix64: small and portable.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `limit`, which is not zero.
    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).expect("a small number");
        usize::try_from(self.next() % limit).expect("a small number")
    }

    fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    fn input(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(6) {
            self.change(&mut input, seeds);
        }
        input.truncate(LONGEST);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let until = (at + self.below(16)).min(input.len());
        match self.below(7) {
            0 => {
                let byte = self.next().to_le_bytes()[0];
                input.splice(at..until.min(at + 1), [byte]);
            }
            1 => drop(input.drain(at..until)),
            2 => {
                let word = self.pick(&WORDS);
                input.splice(at..at, word.iter().copied());
            }
            3 => {
                let again = input[at..until].repeat(self.below(40));
                input.splice(at..at, again);
            }
            4 => {
                let other = &seeds[self.below(seeds.len())];
                let from = self.below(other.len() + 1);
                input.splice(at..until, other[from..].iter().copied());
            }
            5 => input.truncate(at),
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
        }
    }
}
