//! Charts, as Helm renders them: ours, and those that the stack has of others.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::kube::stack::Stack;
use crate::program::{Ended, Launch};

/// A folder with a chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Where it is.
    pub folder: PathBuf,
    stack: &'static Stack,
}

/// A chart with a name, a namespace and values.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its name, which the names of objects begin with.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    chart: Chart,
    values: Vec<String>,
}

/// A folder of the repository.
pub fn repository(folder: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join(folder)
}

/// The objects of some YAML documents, read as Kubernetes reads them.
pub fn objects_of(stack: &Stack, yaml: &str) -> Vec<Value> {
    let mut reader = Command::new(stack.path("cert-manager"))
        .arg("json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = reader.stdin.take().unwrap();
    let yaml = yaml.to_owned();
    let writer = std::thread::spawn(move || {
        use std::io::Write as _;
        stdin.write_all(yaml.as_bytes())
    });
    let read = reader.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(read.status.success(), "what should be YAML is not");
    serde_json::from_slice(&read.stdout).unwrap()
}

impl Chart {
    /// The charts there are.
    pub fn all(stack: &'static Stack) -> Vec<Self> {
        let folders = std::fs::read_dir(repository("helm")).unwrap();
        let mut folders: Vec<PathBuf> = folders.map(|folder| folder.unwrap().path()).collect();
        folders.sort();
        let charts = folders.into_iter();
        charts.map(|folder| Self { folder, stack }).collect()
    }

    /// The one of that name.
    pub fn named(stack: &'static Stack, name: &str) -> Self {
        let folder = repository("helm").join(name);
        Self { folder, stack }
    }

    /// One of the stack's, by the name that the script gives it.
    pub fn of_stack(stack: &'static Stack, name: &str) -> Self {
        let folder = stack.path(name).to_owned();
        Self { folder, stack }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.folder.file_name().unwrap().to_str().unwrap()
    }

    /// A file of it, as text.
    pub fn text(&self, name: &str) -> String {
        let path = self.folder.join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// Its default values.
    pub fn values(&self) -> Value {
        objects_of(self.stack, &self.text("values.yaml")).remove(0)
    }

    /// Values to try it with: the files `ci/*-values.yaml`.
    pub fn ci_values(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.folder.join("ci")).unwrap();
        let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{} is tried with nothing", self.name());
        files
    }

    /// The least that it can be rendered with.
    pub fn minimal(&self) -> PathBuf {
        self.folder.join("ci/minimal-values.yaml")
    }

    /// A release of it.
    pub fn release(&self, name: &str, namespace: &str) -> Release {
        Release {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            chart: self.clone(),
            values: Vec::new(),
        }
    }

    /// `helm lint --strict` with a file of values.
    pub fn lint(&self, values: &Path) -> Ended {
        let values = values.to_str().unwrap();
        self.helm(&["lint", "--strict"])
            .arg(&self.folder)
            .args(["--values", values])
            .run()
    }

    fn helm(&self, arguments: &[&str]) -> Launch {
        Launch::of(self.stack.path("helm"), &self.folder)
            .env("HOME", std::env::temp_dir())
            .args(arguments.iter().copied())
    }
}

impl Release {
    /// With a file of values.
    #[must_use]
    pub fn values(mut self, file: &Path) -> Self {
        let file = file.to_str().unwrap().to_owned();
        self.values.extend(["--values".to_owned(), file]);
        self
    }

    /// With one value, as JSON.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = format!("{name}={}", value.into());
        self.values.extend(["--set-json".to_owned(), value]);
        self
    }

    /// What Helm is told of it: `[install, ] NAME CHART --namespace … --values …`.
    pub fn arguments(&self) -> Vec<String> {
        let chart = self.chart.folder.to_str().unwrap();
        let first = [&self.name, chart, "--namespace", &self.namespace];
        let first = first.into_iter().map(ToOwned::to_owned);
        first.chain(self.values.iter().cloned()).collect()
    }

    /// `helm template`, whatever comes of it.
    pub fn template(&self) -> Ended {
        self.chart.helm(&["template"]).args(self.arguments()).run()
    }

    /// What it renders, as text.
    ///
    /// # Panics
    /// When it cannot be rendered.
    #[track_caller]
    pub fn manifests(&self) -> String {
        let ended = self.template();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended.stdout
    }

    /// What it renders, as objects.
    ///
    /// # Panics
    /// When it cannot be rendered.
    #[track_caller]
    pub fn objects(&self) -> Vec<Value> {
        objects_of(self.chart.stack, &self.manifests())
    }
}
