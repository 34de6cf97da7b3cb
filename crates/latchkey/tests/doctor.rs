//! `latchkey doctor` as a command. The tests of its findings are in `tests/tests/program/doctor.rs`.
//!
//! A test of this package makes `cargo test --workspace` build the binary, which those run.

use std::process::Command;

#[test]
fn doctor_reports_no_problems_with_defaults() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join(".env"), "PORT=0\nLOCAL_IDP_PORT=0\n")?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    let output = command.arg("doctor").env_clear().current_dir(folder.path()).output()?;
    let printed = String::from_utf8_lossy(&[&*output.stdout, &output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(printed.ends_with("No problems.\n"), "{printed}");
    Ok(())
}
