//! What is said on standard error while and after something happens. Standard output has results only.

use std::io::{self, Write};

use crate::{
    args::{Args, OutputForm},
    exit::Failure,
};

/// Says things to people; or not, if they asked for quiet.
pub(crate) struct Notes {
    quiet: bool,
    form: OutputForm,
}

impl Notes {
    /// As the command line has it.
    pub(crate) fn new(args: &Args) -> Self {
        Self {
            quiet: args.quiet,
            form: args.output,
        }
    }

    /// Progress and remarks.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            Self::line(&format!("certway: {text}"));
        }
    }

    /// Why the run failed: one sentence, or one JSON object. Said even when quiet.
    pub(crate) fn failure(&self, failure: &Failure) {
        match self.form {
            OutputForm::Text => Self::line(&format!("certway: {failure}")),
            OutputForm::Json => Self::line(&serde_json::json!({ "error": { "exitCode": failure.exit as u8, "message": failure.message, "problem": failure.problem } }).to_string()),
        }
    }

    fn line(text: &str) {
        // Nobody is left to be told if standard error is gone.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}
