//! A folder that no other user of the machine can look into.

use std::path::Path;

/// Makes a folder, if it is missing, that nobody else on the machine can look
/// into: hashes and sealed keys lie in it.
pub fn create_private_dir(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
