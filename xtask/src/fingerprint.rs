//! Whether inputs changed since something was made from them: names, sizes and times of files, hashed.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use crate::step::Outcome;

/// A hash over every file under `paths` and over `settings`.
pub(crate) fn of(root: &Path, paths: &[&str], settings: &str) -> String {
    let mut files = Vec::new();
    for path in paths {
        collect(&root.join(path), &mut files);
    }
    files.sort();
    let mut hash = DefaultHasher::new();
    settings.hash(&mut hash);
    for file in files {
        file.hash(&mut hash);
        if let Ok(data) = fs::metadata(&file) {
            data.len().hash(&mut hash);
            let time = data
                .modified()
                .ok()
                .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            time.hash(&mut hash);
        }
    }
    format!("{:016x}", hash.finish())
}

/// A hash of the content of one file; empty if it cannot be read.
pub(crate) fn of_content(file: &Path) -> String {
    let Ok(bytes) = fs::read(file) else {
        return String::new();
    };
    let mut hash = DefaultHasher::new();
    bytes.hash(&mut hash);
    format!("{:016x}", hash.finish())
}

/// A hash of names and contents of all files in folders, the same on every machine, and over `settings`.
pub(crate) fn of_contents(folders: &[&PathBuf], settings: &str) -> String {
    let mut hash = DefaultHasher::new();
    settings.hash(&mut hash);
    for folder in folders {
        let mut files = Vec::new();
        collect(folder, &mut files);
        files.sort();
        for file in files {
            file.strip_prefix(folder).ok().hash(&mut hash);
            fs::read(&file).ok().hash(&mut hash);
        }
    }
    format!("{:016x}", hash.finish())
}

/// Runs `make` unless `stamp` says that it was last run on the same `fingerprint`.
pub(crate) fn unless_same(
    stamp: &Path,
    fingerprint: &str,
    make: impl FnOnce() -> Outcome<()>,
) -> Outcome<()> {
    if fs::read_to_string(stamp).is_ok_and(|last| last == fingerprint) {
        return Ok(());
    }
    make()?;
    if let Some(folder) = stamp.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(stamp, fingerprint)?)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_owned());
        return;
    }
    let Ok(entries) = fs::read_dir(path) else {
        return;
    };
    for entry in entries.flatten() {
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden {
            collect(&entry.path(), files);
        }
    }
}
