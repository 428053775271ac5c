//! How noisy speech sounds after it was recorded, beside other recorders: PESQ and STOI by the Python packages of
//! these names, in an environment of their own.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{
    bundle, packages,
    step::{self, Outcome},
    wasm::Profile,
};

/// Programs that the bench starts, and the Debian packages they come in.
const PROGRAMS: [(&str, &str); 5] = [
    ("chromium", "chromium"),
    ("espeak-ng", "espeak-ng"),
    ("ffmpeg", "ffmpeg"),
    ("python3", "python3-venv"),
    ("sox", "sox"),
];

/// What measures, from PyPI.
const MEASURES: [&str; 4] = [
    "numpy==2.4.6",
    "scipy==1.17.1",
    "pesq==0.0.4",
    "pystoi==0.4.1",
];

/// Records, measures, prints the table and gives back the numbers.
pub(super) fn run(root: &Path) -> Outcome<Value> {
    packages::ensure_programs("what the bench needs", &PROGRAMS)?;
    let python = ensure_python(root)?;
    bundle::build_downloads(root, Profile::Quick)?;
    let mut script = super::script(root, "bench/voice.mjs");
    script.arg(python);
    let result = super::result_of("Recording noisy speech and measuring it", &mut script)?;
    for line in table(&result) {
        println!("{line}");
    }
    Ok(result)
}

/// A Python with the packages that measure.
fn ensure_python(root: &Path) -> Outcome<PathBuf> {
    let folder = root.join("target/voice-bench");
    let python = folder.join("bin/python");
    let check = "import numpy, pesq, pystoi, scipy";
    if step::run(step::command(&python).args(["-c", check]), "").is_ok() {
        return Ok(python);
    }
    let advice = "install python3-venv and a C compiler, and check the connection to PyPI";
    step::step("Installing pesq and pystoi from PyPI", || {
        step::run(
            step::command("python3").args(["-m", "venv"]).arg(&folder),
            advice,
        )?;
        let mut pip = step::command(&python);
        pip.args(["-m", "pip", "install", "--quiet"]).args(MEASURES);
        step::run(&mut pip, advice)
    })?;
    Ok(python)
}

fn table(result: &Value) -> Vec<String> {
    let rows = result.get("rows").and_then(Value::as_array);
    let mut lines = vec![format!(
        "{:<26} {:>6} {:>6} {:>16} {:>7}",
        "noisy speech", "PESQ", "STOI", "LUFS", "kbit/s"
    )];
    lines.extend(rows.into_iter().flatten().map(|row| {
        format!(
            "{:<26} {:>6} {:>6} {:>16} {:>7}",
            row.get("what").and_then(Value::as_str).unwrap_or_default(),
            figure(row.get("pesq")),
            figure(row.get("stoi")),
            range(row.get("loudness_lufs")),
            figure(row.get("kilobits")),
        )
    }));
    lines
}

fn figure(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(number) => number.to_string(),
    }
}

fn range(value: Option<&Value>) -> String {
    let ends = value.and_then(Value::as_array).map(Vec::as_slice);
    match ends {
        Some([least, most]) => format!("{least} to {most}"),
        _ => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::table;

    #[test]
    fn a_source_without_a_bitrate_says_so() {
        let result = json!({ "rows": [
            { "what": "source", "pesq": 1.5, "stoi": 0.9, "loudness_lufs": [-30, -20.5], "kilobits": null },
            { "what": "ours", "pesq": 2, "stoi": 0.91, "loudness_lufs": [-16.1, -16], "kilobits": 24.5 },
        ] });
        let lines = table(&result);
        let words = |line: usize| lines[line].split_whitespace().collect::<Vec<_>>();
        assert_eq!(
            words(1),
            ["source", "1.5", "0.9", "-30", "to", "-20.5", "-"]
        );
        assert_eq!(
            words(2),
            ["ours", "2", "0.91", "-16.1", "to", "-16", "24.5"]
        );
    }
}
