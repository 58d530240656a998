//! One run of a program: its exit code, stdout and stderr.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a program answered.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) line: String,
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Run {
    /// Runs a command with `input` on stdin, or nothing there.
    pub(crate) fn of(mut command: Command, input: Option<&[u8]>) -> Self {
        let line = format!("{command:?}");
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{line}: {error}; {}", super::install_hint()));
        if let Some(input) = input {
            let mut stdin = child.stdin.take().expect("stdin is a pipe");
            // A program that refuses its arguments does not read.
            let _ = stdin.write_all(input);
        }
        let output = child.wait_with_output().expect("the child can be waited for");
        Self {
            line,
            // Ended by a signal: none of the codes that are expected anywhere.
            code: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Stdout as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Exit code 0 is expected.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.code(0)
    }

    /// This exit code is expected.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, expected, "{}\nstdout: {}\nstderr: {}", self.line, self.text(), self.stderr);
        self
    }

    /// Stdout as one JSON document of the command's schema.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let document: Value = serde_json::from_slice(&self.stdout)
            .unwrap_or_else(|error| panic!("{}: {error}\nstdout: {}\nstderr: {}", self.line, self.text(), self.stderr));
        assert_eq!(document["schema"], "cng11/1", "{}", self.line);
        document
    }

    /// The error document of a failed `--json` run: alone on stderr, with nothing on stdout.
    #[track_caller]
    pub(crate) fn json_error(&self) -> Value {
        assert!(self.stdout.is_empty(), "{}: stdout must be empty: {}", self.line, self.text());
        let document: Value = serde_json::from_str(&self.stderr)
            .unwrap_or_else(|error| panic!("{}: {error}\nstderr: {}", self.line, self.stderr));
        assert_eq!(document["schema"], "cng11/1", "{}", self.line);
        let error = document["error"].clone();
        for field in ["layer", "status", "status_code", "message"] {
            assert!(!error[field].is_null(), "{}: no `{field}` in {error}", self.line);
        }
        error
    }

    /// Stderr is expected to say this.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "{}: `{words}` is not in stderr: {}", self.line, self.stderr);
        self
    }
}

/// Whether bytes stand in others.
pub(crate) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && haystack.windows(needle.len()).any(|window| window == needle)
}
