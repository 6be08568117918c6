//! What a kubelet does for a pod, as far as a process on this machine can have it: its volumes are files, its environment
//! and arguments are those that stand in the Deployment, it is ready when its probe says so.
//!
//! Two things are different. A pod has an address and a file system of its own; here its ports become free ones of this
//! machine and its mounts folders below one of ours, and where arguments, environment or a ConfigMap name them they name these.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::https::HttpsClient;
use crate::kube::cluster::Cluster;
use crate::port::Port;
use crate::program::{Launch, Program, binary, eventually};

/// One pod of a Deployment that was not started yet.
pub struct Workload<'a> {
    cluster: &'a Cluster,
    deployment: Value,
    name: String,
    ports: Vec<ContainerPort>,
    environment: Vec<(String, String)>,
}

/// One that runs.
pub struct Running {
    /// Its process.
    pub program: Program,
    deployment: Value,
    ports: Vec<ContainerPort>,
}

/// A port of the container, and the one of this machine in its place.
struct ContainerPort {
    name: String,
    number: u64,
    here: Port,
}

impl<'a> Workload<'a> {
    /// A pod of a Deployment as the API server has it.
    pub fn of(cluster: &'a Cluster, deployment: &Value) -> Self {
        let ports = items(&container(deployment)["ports"]);
        let ports = ports.map(|port| ContainerPort {
            name: text(&port["name"]).to_owned(),
            number: port["containerPort"].as_u64().unwrap(),
            here: Port::free(),
        });
        Self {
            cluster,
            deployment: deployment.clone(),
            name: format!("{}-1", text(&deployment["metadata"]["name"])),
            ports: ports.collect(),
            environment: Vec::new(),
        }
    }

    /// Under that name: a Deployment has several pods.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The arguments of its container, to be changed.
    pub fn arguments(&mut self) -> &mut Vec<Value> {
        let container = &mut self.deployment["spec"]["template"]["spec"]["containers"][0];
        container["args"].as_array_mut().unwrap()
    }

    /// With an environment variable that does not stand there.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Waits for what is mounted, and starts it.
    pub fn spawn(self) -> Running {
        std::fs::create_dir_all(self.root()).unwrap();
        for mount in items(&container(&self.deployment)["volumeMounts"]) {
            self.mount(mount);
        }
        let image = text(&container(&self.deployment)["image"]);
        let image = image.rsplit('/').next().unwrap();
        let program = program(image.split([':', '@']).next().unwrap());
        let arguments = items(&container(&self.deployment)["args"]);
        let arguments: Vec<String> = arguments.map(|one| self.here(text(one))).collect();
        let mut launch = Launch::of(program, self.root()).args(arguments);
        for variable in items(&container(&self.deployment)["env"]) {
            launch = launch.env(text(&variable["name"]), self.value(variable));
        }
        for (name, value) in &self.environment {
            launch = launch.env(name, value);
        }
        let pod = self.pod();
        if pod["automountServiceAccountToken"] != false {
            let account = text(&pod["serviceAccountName"]);
            let config = self.cluster.kubeconfig_of(self.namespace(), account);
            launch = launch.env("KUBECONFIG", config);
        }
        let program = launch.spawn();
        self.cluster.answers_for(&program);
        Running {
            program,
            deployment: self.deployment,
            ports: self.ports,
        }
    }

    fn pod(&self) -> &Value {
        &self.deployment["spec"]["template"]["spec"]
    }

    fn namespace(&self) -> &str {
        text(&self.deployment["metadata"]["namespace"])
    }

    /// A text of the pod's, with its ports and folders as they are here.
    fn here(&self, text: &str) -> String {
        let mut here = text.replace("0.0.0.0", "127.0.0.1");
        for port in &self.ports {
            here = with_number(&here, port.number, port.here.number());
        }
        for mount in items(&container(&self.deployment)["volumeMounts"]) {
            let path = mount["mountPath"].as_str().unwrap();
            here = here.replace(path, self.path(path).to_str().unwrap());
        }
        here
    }

    fn root(&self) -> PathBuf {
        root(self.cluster, self.namespace(), &self.name)
    }

    fn path(&self, mount: &str) -> PathBuf {
        self.root().join(mount.trim_start_matches('/'))
    }

    fn value(&self, variable: &Value) -> String {
        match variable["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
            None => self.here(text(&variable["value"])),
            Some("metadata.namespace") => self.namespace().to_owned(),
            Some("metadata.name") => self.name.clone(),
            Some(other) => panic!("no pod here knows its {other}"),
        }
    }

    fn mount(&self, mount: &Value) {
        let folder = self.path(text(&mount["mountPath"]));
        std::fs::create_dir_all(&folder).unwrap();
        let mut volumes = items(&self.pod()["volumes"]);
        let volume = volumes.find(|volume| volume["name"] == mount["name"]);
        let volume = volume.unwrap_or_else(|| panic!("no volume for {mount}"));
        if let Some(name) = volume["configMap"]["name"].as_str() {
            let data = self.data("ConfigMap", name);
            for (name, content) in data.as_object().unwrap() {
                std::fs::write(folder.join(name), self.here(text(content))).unwrap();
            }
        } else if let Some(name) = volume["secret"]["secretName"].as_str() {
            self.secret(&folder, &volume["secret"], name);
        } else if volume["projected"]["sources"].is_array() {
            for source in items(&volume["projected"]["sources"]) {
                self.token(&folder, &source["serviceAccountToken"]);
            }
        } else {
            let empty = ["emptyDir", "persistentVolumeClaim"];
            let is_empty = empty.iter().any(|kind| volume.get(kind).is_some());
            assert!(is_empty, "no such volume here: {volume}");
        }
    }

    fn secret(&self, folder: &Path, volume: &Value, name: &str) {
        let data = self.data("Secret", name);
        let only: Vec<&Value> = items(&volume["items"]).map(|item| &item["key"]).collect();
        for (name, content) in data.as_object().unwrap() {
            if only.is_empty() || only.iter().any(|key| *key == name) {
                let content = BASE64_STANDARD.decode(text(content)).unwrap();
                std::fs::write(folder.join(name), content).unwrap();
            }
        }
    }

    /// A token of the pod's account. A kubelet would exchange it before it ends.
    fn token(&self, folder: &Path, projection: &Value) {
        let account = text(&self.pod()["serviceAccountName"]);
        let audience = projection["audience"].as_str();
        let token = self
            .cluster
            .admin
            .token(self.namespace(), account, audience);
        std::fs::write(folder.join(text(&projection["path"])), token).unwrap();
    }

    /// A kubelet too waits until there is what is to be mounted.
    fn data(&self, kind: &str, name: &str) -> Value {
        let object = json!({
            "apiVersion": "v1",
            "kind": kind,
            "metadata": { "namespace": self.namespace(), "name": name },
        });
        let what = format!("{kind} {name} is there");
        let admin = &self.cluster.admin;
        admin.until_object(&object, &what, |now| {
            now["data"].is_object().then(|| now["data"].clone())
        })
    }
}

impl Running {
    /// Waits until its readiness probe passes.
    pub fn ready(&self) {
        let probe = &container(&self.deployment)["readinessProbe"]["httpGet"];
        let port = self.port(text(&probe["port"]));
        let client = HttpsClient::plain(port.here.address());
        let path = text(&probe["path"]).to_owned();
        eventually("the pod is ready", || {
            let answer = client.try_request("GET", &path, &[], b"");
            answer.is_ok_and(|answer| answer.status == 200)
        });
    }

    /// Its process, and one of its ports.
    pub(super) fn into_parts(self, port: &str) -> (Program, Port) {
        let mut ports = self.ports.into_iter();
        let port = ports.find(|one| one.name == port).expect("its port");
        (self.program, port.here)
    }

    /// Where one of its ports is.
    pub fn number(&self, port: &str) -> u16 {
        self.port(port).here.number()
    }

    /// Whether a Service leads to it.
    pub fn is_behind(&self, service: &Value) -> bool {
        let labels = &self.deployment["spec"]["template"]["metadata"]["labels"];
        let namespace = &self.deployment["metadata"]["namespace"];
        let selector = service["spec"]["selector"].as_object().unwrap();
        service["metadata"]["namespace"] == *namespace
            && selector.iter().all(|(name, value)| labels[name] == *value)
    }

    fn port(&self, name: &str) -> &ContainerPort {
        let mut ports = self.ports.iter();
        let port = ports.find(|port| port.name == name);
        port.unwrap_or_else(|| panic!("it has no port {name}"))
    }
}

/// The folder that is a pod's file system.
pub(super) fn root(cluster: &Cluster, namespace: &str, pod: &str) -> PathBuf {
    cluster.folder().join("pods").join(namespace).join(pod)
}

/// The program of an image. certway-issuer is tested as it is released where `./proto-tests/run` built it so, and is cargo's own in a run by hand.
fn program(image: &str) -> PathBuf {
    let released = std::env::var_os("CERTWAY_TEST_ISSUER").filter(|_| image == "certway-issuer");
    released.map_or_else(|| binary(image), PathBuf::from)
}

/// A text with another number in the place of one, but not of a part of one.
fn with_number(text: &str, number: u64, other: u16) -> String {
    let digits = number.to_string();
    let mut with = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(&digits) {
        let (before, found) = rest.split_at(at);
        let after = &found[digits.len()..];
        with.push_str(before);
        let is_part = with.ends_with(|c: char| c.is_ascii_digit())
            || after.starts_with(|c: char| c.is_ascii_digit());
        if is_part {
            with.push_str(&digits);
        } else {
            with.push_str(&other.to_string());
        }
        rest = after;
    }
    with + rest
}

fn container(deployment: &Value) -> &Value {
    &deployment["spec"]["template"]["spec"]["containers"][0]
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[track_caller]
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[cfg(test)]
mod tests {
    use super::with_number;

    #[test]
    fn a_port_is_exchanged_and_no_part_of_a_number_is() {
        let text = "port = 8443, https://localhost:18443/8443 and 84430";
        let with = "port = 7, https://localhost:18443/7 and 84430";
        assert_eq!(with_number(text, 8443, 7), with);
        assert_eq!(with_number("94029402", 9402, 9402), "94029402");
    }
}
