//! A container: an image's files, and programs started among them as the image says.

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
        let volume = format!("{own}:{}:rw", inside.display());
        launch = launch.args(["run", "--volume", volume.as_str()]);
        for (name, value) in environment {
            launch = launch.args(["--env", &format!("{name}={value}")]);
        }
        launch.args([self.name.as_str(), "--"]).args(command)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.store.buildah(&["rm", &self.name]);
    }
}
