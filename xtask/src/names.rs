//! The names by which a module and its glue know each other, made short: wasm-bindgen's are unique in the world, and
//! in a module for browsers they are three parts in a hundred of the download.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::step::{Failure, Naming, Outcome};

/// The optimiser's option: it changes the module's names and prints which became which.
pub(crate) const SHORTEN: &str = "--minify-imports-and-exports-and-modules";

/// What the optimiser calls the one module that all imports come from.
const ORIGIN: &str = "a";

/// How the glue names a function that it gives to the module.
const GIVEN: &str = "\n        ";

/// How the glue names what it uses of the module.
const USED: &str = "wasm.";

/// Puts the short names into the glue.
pub(crate) fn shorten(glue: &Path, printed: &str) -> Outcome<()> {
    let text = fs::read_to_string(glue).naming(glue.display())?;
    let shortened = Names::read(printed)?.shorten(&text)?;
    fs::write(glue, shortened).naming(glue.display())
}

/// What became what.
struct Names {
    origin: String,
    imports: BTreeMap<String, String>,
    exports: BTreeMap<String, String>,
}

impl Names {
    fn read(printed: &str) -> Outcome<Self> {
        let names: Value = serde_json::from_str(printed).naming("the optimiser's names")?;
        let rows = |key: &str| {
            names
                .get(key)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
        };
        let at = |row: &Value, index: usize| {
            let name = row.get(index).and_then(Value::as_str);
            name.unwrap_or_default().to_owned()
        };
        Ok(Self {
            origin: rows("imports")
                .next()
                .map_or_else(String::new, |row| at(row, 0)),
            imports: rows("imports")
                .map(|row| (at(row, 1), at(row, 2)))
                .collect(),
            exports: rows("exports")
                .map(|row| (at(row, 0), at(row, 1)))
                .collect(),
        })
    }

    /// The glue with short names; an error if it does not name every import where it is expected to.
    fn shorten(&self, glue: &str) -> Outcome<String> {
        let mut out = String::with_capacity(glue.len());
        let mut rest = glue;
        let mut given = 0;
        while let Some(start) = rest.find(is_of_name) {
            let (before, from) = rest.split_at(start);
            out.push_str(before);
            let (name, after) = from.split_at(from.find(|c| !is_of_name(c)).unwrap_or(from.len()));
            let import = self.imports.get(name);
            let import = import.filter(|_| out.ends_with(GIVEN) && after.starts_with(':'));
            let export = self.exports.get(name).filter(|_| out.ends_with(USED));
            given += usize::from(import.is_some());
            out.push_str(import.or(export).map_or(name, String::as_str));
            rest = after;
        }
        out.push_str(rest);
        if given != self.imports.len() {
            return Err(Failure::new(
                format!("the glue names {given} of {} imports", self.imports.len()),
                "wasm-bindgen writes other glue than xtask/src/names.rs knows",
            ));
        }
        Ok(out.replace(&format!("\"{}\":", self.origin), &format!("{ORIGIN}:")))
    }
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::Names;

    const PRINTED: &str = r#"{
        "imports": [["./call_bg.js", "__wbg_abort_0f1d", "$"], ["./call_bg.js", "__wbg_new_9ccd", "b"]],
        "exports": [["memory", "c"], ["client_open", "d"]]
    }"#;

    #[test]
    fn imports_and_exports_are_renamed_and_nothing_else() {
        let glue = "const ret = wasm.client_open(memory, wasm.memory.buffer, awasm_memory);\n    const import0 = {\n        \
            __wbg_abort_0f1d: function(arg0) { client_open: 1 },\n        __wbg_new_9ccd: memory,\n    };\n    return { \"./call_bg.js\": import0 };";
        let short = Names::read(PRINTED).unwrap().shorten(glue).unwrap();
        assert_eq!(
            short,
            "const ret = wasm.d(memory, wasm.c.buffer, awasm_memory);\n    const import0 = {\n        \
            $: function(arg0) { client_open: 1 },\n        b: memory,\n    };\n    return { a: import0 };"
        );
    }

    #[test]
    fn an_import_that_the_glue_does_not_give_is_an_error() {
        let names = Names::read(PRINTED).unwrap();
        let error = names.shorten("\n        __wbg_abort_0f1d: 1").unwrap_err();
        assert!(error.to_string().contains("1 of 2 imports"), "{error}");
    }
}
