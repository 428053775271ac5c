//! What the user sees while xtask works: one line per step, the time of anything slow, and failures that
//! say what to do. It runs commands; it knows nothing of what they build.

use std::{
    fmt,
    io::{self, Write},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Why a step failed, and what the user can do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    advice: String,
}

/// How many lines of a failing command are shown from either end.
const LINES_SHOWN: usize = 40;

/// What every step gives back.
pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// A failure with the next thing to try.
    pub(crate) fn new(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            advice: advice.into(),
        }
    }

    /// The same failure with something more to do about it.
    pub(crate) fn with_advice(mut self, more: &str) -> Self {
        self.advice = format!("{}; {more}", self.advice);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.what.trim_end())?;
        if !self.advice.is_empty() {
            write!(formatter, "\n  What to do: {}", self.advice)?;
        }
        Ok(())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(error.to_string(), "check permissions and free disk space")
    }
}

/// Adds the file or program that an I/O error was about.
pub(crate) trait Naming<T> {
    /// The same result, with `name` in its message.
    fn naming(self, name: impl fmt::Display) -> Outcome<T>;
}

impl<T, E: fmt::Display> Naming<T> for Result<T, E> {
    fn naming(self, name: impl fmt::Display) -> Outcome<T> {
        self.map_err(|error| {
            Failure::new(
                format!("{name}: {error}"),
                "check that it exists and may be used",
            )
        })
    }
}

/// Says what is being done, does it, and says how long it took if that was over a second.
pub(crate) fn step<T>(title: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    say(&format!("› {title}"));
    let start = Instant::now();
    let outcome = work();
    let took = start.elapsed();
    if took > Duration::from_secs(1) {
        let word = if outcome.is_ok() { "done" } else { "failed" };
        say(&format!("  {word} after {:.1} s", took.as_secs_f32()));
    }
    outcome
}

/// Writes one line to the user. Standard error, so that standard output carries results only.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A command without the variables that cargo and rustup set for their own children.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for name in [
        "CARGO",
        "RUSTC",
        "RUSTDOC",
        "RUSTUP_TOOLCHAIN",
        "CARGO_MANIFEST_DIR",
        "CARGO_PKG_NAME",
    ] {
        command.env_remove(name);
    }
    command
}

/// Runs a command with its output shown only if it fails; a running clock shows that it still works.
pub(crate) fn run(command: &mut Command, advice: &str) -> Outcome<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::new(format!("{name}: {error}"), advice))?;
    let clock = Clock::start();
    let output = child.wait_with_output();
    clock.stop();
    let output = output.naming(&name)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Err(Failure::new(
        format!("{}\n{name} failed ({})", ends(&said), output.status),
        advice,
    ))
}

/// The begin and the end of a long text: what went wrong first, and what came of it.
fn ends(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    match (
        lines.first_chunk::<LINES_SHOWN>(),
        lines.last_chunk::<LINES_SHOWN>(),
    ) {
        (Some(first), Some(last)) if lines.len() > 2 * LINES_SHOWN => {
            format!("{}\n[...]\n{}", first.join("\n"), last.join("\n"))
        }
        _ => text.to_owned(),
    }
}

/// Runs a command whose own output is the progress.
pub(crate) fn run_shown(command: &mut Command, advice: &str) -> Outcome<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| Failure::new(format!("{name}: {error}"), advice))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("{name} failed ({status})"), advice))
}

/// Whether a program can be started at all.
pub(crate) fn has_program(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|paths| {
        std::env::split_paths(&paths).any(|folder| folder.join(name).is_file())
    })
}

/// Prints the seconds that passed, on a terminal only, while a quiet command runs.
struct Clock {
    stop: std::sync::mpsc::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Clock {
    fn start() -> Self {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let start = Instant::now();
            let shown = io::IsTerminal::is_terminal(&io::stderr());
            while stopped.recv_timeout(Duration::from_secs(1))
                == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                if shown {
                    let _ = write!(io::stderr(), "\r  {} s ", start.elapsed().as_secs());
                }
            }
            if shown {
                let _ = write!(io::stderr(), "\r");
            }
        });
        Self { stop, thread }
    }

    fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}
