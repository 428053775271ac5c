//! What the wasm modules ask of their host: the glue's functions and nothing else. An import from `env`
//! means that some crate expects an operating system.

use std::{fs, path::Path};

use super::Tally;
use crate::{
    bundle,
    step::{Failure, Naming, Outcome},
};

const MAGIC: [u8; 8] = *b"\0asm\x01\0\0\0";
const IMPORT_SECTION: u8 = 2;

/// No module imports anything from `env`. What is looked at is what the tests then serve.
pub(super) fn check(root: &Path) -> Outcome<Tally> {
    for (name, file) in bundle::build_modules(root)? {
        let bytes = fs::read(&file).naming(file.display())?;
        let unreadable = || Failure::new(format!("{name} cannot be read"), "report this");
        let names = import_modules(&bytes).ok_or_else(unreadable)?;
        if names.iter().any(|name| name == "env") {
            return Err(Failure::new(
                format!("{name} imports from `env`"),
                "find the crate that expects an operating system, and its feature for the web",
            ));
        }
    }
    Ok(Tally::PASSED)
}

/// The host modules that a wasm module imports from.
fn import_modules(bytes: &[u8]) -> Option<Vec<String>> {
    let mut reader = Reader(bytes.strip_prefix(&MAGIC)?);
    while !reader.0.is_empty() {
        let section = reader.byte()?;
        let length = usize::try_from(reader.number()?).ok()?;
        let (content, rest) = reader.0.split_at_checked(length)?;
        if section == IMPORT_SECTION {
            return Reader(content).imports();
        }
        reader.0 = rest;
    }
    Some(Vec::new())
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn imports(&mut self) -> Option<Vec<String>> {
        let count = self.number()?;
        (0..count).map(|_| self.import()).collect()
    }

    fn import(&mut self) -> Option<String> {
        let module = self.name()?;
        self.name()?;
        match self.byte()? {
            0 => drop(self.number()?),
            1 => {
                self.byte()?;
                self.limits()?;
            }
            2 => self.limits()?,
            3 => {
                self.byte()?;
                self.byte()?;
            }
            _ => {
                self.byte()?;
                self.number()?;
            }
        }
        Some(module)
    }

    fn limits(&mut self) -> Option<()> {
        let has_maximum = self.byte()? & 1 == 1;
        self.number()?;
        if has_maximum {
            self.number()?;
        }
        Some(())
    }

    fn name(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        let (name, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(name.to_vec()).ok()
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// An unsigned LEB128 number.
    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{MAGIC, import_modules};

    #[test]
    fn the_modules_of_imports_are_found() {
        let import = [1, 3, b'e', b'n', b'v', 1, b'f', 0, 0];
        let mut module = MAGIC.to_vec();
        module.extend([1, 4, 1, 0x60, 0, 0]);
        module.extend([2, 9]);
        module.extend(import);
        assert_eq!(import_modules(&module), Some(vec!["env".to_owned()]));
        assert_eq!(import_modules(&MAGIC), Some(Vec::new()));
        assert_eq!(import_modules(b"nothing"), None);
    }
}
