//! Directories that only their owner may read.

use std::path::Path;

/// Creates a directory with mode 0700 if it is missing: it holds hashes and encrypted keys.
pub fn create_private_dir(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
