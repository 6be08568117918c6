//! The end of a cluster that nobody ends: one that the tests of a binary share lives in a static, which is never dropped.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::program::Program;

/// Reads process numbers with the time each process began, and ends these processes when its input ends: when the test
/// program is gone, whichever way it went. A number that meanwhile belongs to another process is left alone.
const SCRIPT: &str = r#"
began() { cut -d ' ' -f 22 "/proc/$1/stat" 2>/dev/null; }
all=
while read -r pid time; do all="$pid:$time $all"; done
for one in $all; do
  [ "$(began "${one%:*}")" = "${one#*:}" ] && kill -9 "${one%:*}"
done
rm -rf "$1"
"#;

/// Ends what it was told of, and removes a folder, once this value or the whole process is gone.
pub struct Reaper {
    child: Child,
    stdin: Mutex<Option<ChildStdin>>,
}

impl Reaper {
    /// One that removes `folder` at the end.
    pub fn of(folder: &Path) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", SCRIPT, "reaper"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C at the terminal ends the tests, and not what cleans up after them.
            .process_group(0)
            .spawn()
            .unwrap();
        let stdin = Mutex::new(child.stdin.take());
        Self { child, stdin }
    }

    /// Answers for a program that was started or started again.
    pub fn answers_for(&self, program: &Program) {
        let id = program.id();
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // The second field is the program's name in parentheses, which may hold anything; the 22nd is the time.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let began = fields.split_whitespace().nth(19).unwrap_or("gone");
        let mut stdin = self.stdin.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(stdin.as_mut().unwrap(), "{id} {began}").unwrap();
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        let mut stdin = self.stdin.lock().unwrap_or_else(PoisonError::into_inner);
        drop(stdin.take());
        let _nothing_to_do_about_it = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Launch;

    #[test]
    fn what_a_reaper_answers_for_ends_with_it_and_so_does_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("kept");
        std::fs::create_dir(&kept).unwrap();
        let reaper = Reaper::of(&kept);
        let mut program = Launch::of("sleep", folder.path()).arg("600").spawn();
        reaper.answers_for(&program);
        assert!(program.runs() && kept.exists());
        drop(reaper);
        assert!(!program.wait().success());
        assert!(!kept.exists());
    }
}
