#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn a_file_that_makes_no_sense_stops_the_start_and_none_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("grants.json");
    assert_eq!(read(&file).unwrap(), Kept::default());
    fs::write(&file, "{").unwrap();
    assert!(matches!(read(&file), Err(Error::GrantsFile { .. })));
}

#[test]
fn the_file_is_the_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep").join("grants.json");
    write(&file, &Kept::default()).unwrap();
    write(&file, &Kept::default()).unwrap();
    assert_eq!(read(&file).unwrap(), Kept::default());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
