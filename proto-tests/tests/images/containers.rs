//! A container: an image's files, and programs started among them as the image says.

use std::fs;
use std::path::{Path, PathBuf};

use proto_tests::{Launch, peer};
use serde_json::Value;

use crate::store::Store;

/// A container. It is removed when this value goes.
pub(crate) struct Container {
    store: &'static Store,
    name: String,
    /// What the image starts.
    entrypoint: Vec<String>,
}

impl Container {
    /// Of the image with that name in the store.
    pub(crate) fn of(store: &'static Store, image: &str) -> Self {
        let config = store.config_of(image);
        let words = config["Entrypoint"].as_array().unwrap();
        let entrypoint = words.iter().filter_map(Value::as_str).map(str::to_owned);
        Self {
            name: store.buildah(&["from", "--pull-never", image]),
            entrypoint: entrypoint.collect(),
            store,
        }
    }

    /// Its files, as they are on this machine.
    pub(crate) fn files(&self) -> PathBuf {
        self.store.buildah(&["mount", &self.name]).into()
    }

    /// What the image starts, with more arguments; `folder` is mounted where `inside` says, and its owner is the image's user.
    pub(crate) fn launch(
        &self,
        folder: &Path,
        inside: &Path,
        environment: &[(&str, &str)],
        arguments: &[&str],
    ) -> Launch {
        let entrypoint = self.entrypoint.iter().map(String::as_str);
        let all: Vec<_> = entrypoint.chain(arguments.iter().copied()).collect();
        self.launch_other(folder, inside, environment, &all)
    }

    /// The same with nothing to write to but `data`, which is mounted at the image's folder, as a pod's container with
    /// `readOnlyRootFilesystem` is: buildah itself has no such switch.
    pub(crate) fn launch_read_only(
        &self,
        folder: &Path,
        data: &Path,
        arguments: &[&str],
    ) -> Launch {
        let (own, data) = (folder.to_str().unwrap(), data.to_str().unwrap());
        peer::run("chown", Path::new("/"), &["-R", "65532:65532", own, data]);
        let root = self.files().display().to_string();
        // The shell stays: what becomes another user is not killed with its parent any more, but with the first of its process numbers.
        let script = r#"set -e
root=$1 own=$2 data=$3; shift 3
mkdir -p "$root$own" "$root/proc"
mount --bind "$root" "$root"
mount --bind "$own" "$root$own"
mount --bind "$data" "$root/var/lib/certway"
mount -t proc proc "$root/proc"
mount -o remount,bind,ro "$root"
unshare --root "$root" --wd /var/lib/certway --setgid 65532 --setuid 65532 "$@"
exit"#;
        let all = [
            "--pid",
            "--fork",
            "--kill-child",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
        ];
        let launch = Launch::of("unshare", folder).watched().args(all);
        let entrypoint = self.entrypoint.iter().map(String::as_str);
        launch
            .args([root.as_str(), own, data])
            .args(entrypoint.chain(arguments.iter().copied()))
    }

    /// Another program than the one that the image starts.
    pub(crate) fn launch_other(
        &self,
        folder: &Path,
        inside: &Path,
        environment: &[(&str, &str)],
        command: &[&str],
    ) -> Launch {
        let own = folder.to_str().unwrap();
        peer::run("chown", Path::new("/"), &["-R", "65532:65532", own]);
        let mut launch = Launch::of("buildah", folder).watched();
        for (name, value) in self.store.environment() {
            launch = launch.env(name, value);
        }
        // buildah leaves its children behind when it is killed. Process numbers of their own are ended all at once, with the first.
        let alone = ["--pid", "--fork", "--kill-child", "--mount-proc"];
        let volume = format!("{own}:{}:rw", inside.display());
        launch = launch.args(["run", "--volume", volume.as_str()]);
        for (name, value) in environment {
            launch = launch.args(["--env", &format!("{name}={value}")]);
        }
        let launch = launch.args([self.name.as_str(), "--"]).args(command);
        launch.under("unshare", &alone)
    }
}

/// A process that runs: its number, and the file of its program.
pub(crate) type Running = (u32, PathBuf);

/// What was started by that process and, in turn, by what it started.
pub(crate) fn started_by(process: u32) -> Vec<Running> {
    let numbers = fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut parents: Vec<(u32, u32)> = numbers
        .filter_map(|number| Some((number, parent_of(number)?)))
        .collect();
    let mut all = vec![process];
    while let Some(at) = parents.iter().position(|(_, parent)| all.contains(parent)) {
        all.push(parents.swap_remove(at).0);
    }
    let running = all[1..]
        .iter()
        .filter_map(|&number| Some((number, program_of(number)?)));
    running.collect()
}

fn parent_of(number: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // Behind its name, in parentheses, and its state.
    let (_, behind) = stat.rsplit_once(')')?;
    behind.split_whitespace().nth(1)?.parse().ok()
}

/// Whether it is still there; what waits to be looked at by its parent is not.
pub(crate) fn runs((number, program): &Running) -> bool {
    program_of(*number).as_ref() == Some(program)
}

fn program_of(number: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{number}/exe")).ok()
}

impl Drop for Container {
    fn drop(&mut self) {
        self.store.buildah(&["rm", &self.name]);
    }
}
