//! certway-issuer as a kubelet starts it: what the Deployment says, under a pod's name.

use std::path::PathBuf;

use serde_json::Value;

use crate::https::HttpsClient;
use crate::kube::cluster::Cluster;
use crate::port::Port;
use crate::program::{Launch, Program, binary, eventually};

/// The namespace that the manifests make, and the ServiceAccount in it.
pub const NAMESPACE: &str = "certway";
/// The Deployment's, its ServiceAccount's and the program's name.
pub const NAME: &str = "certway-issuer";

/// The program under test: as it is released where `./proto-tests/run` built it so, cargo's own in a run by hand.
pub(super) fn program() -> PathBuf {
    std::env::var_os("CERTWAY_TEST_ISSUER").map_or_else(|| binary(NAME), PathBuf::from)
}

/// One that was not started yet.
pub struct Pod<'a> {
    cluster: &'a Cluster,
    name: String,
    arguments: Vec<String>,
}

/// One that runs.
pub struct Replica {
    /// Its process.
    pub program: Program,
    listen: Port,
}

impl<'a> Pod<'a> {
    /// A pod of the Deployment `certway-issuer`, with the arguments that stand there.
    pub fn named(cluster: &'a Cluster, name: &str) -> Self {
        let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{NAME}");
        let deployment = cluster.admin.get(&path).unwrap();
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        let arguments = container["args"].as_array().unwrap().iter();
        let arguments = arguments.filter_map(Value::as_str);
        // Two on one machine cannot have the same port.
        let arguments = arguments.filter(|argument| !argument.starts_with("--listen="));
        Self {
            cluster,
            name: name.to_owned(),
            arguments: arguments.map(str::to_owned).collect(),
        }
    }

    /// Without one of these arguments.
    #[must_use]
    pub fn without(mut self, argument: &str) -> Self {
        self.arguments.retain(|one| one != argument);
        self
    }

    /// With one more.
    #[must_use]
    pub fn with(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Starts it with a token of the ServiceAccount, and waits until it is ready.
    pub fn start(self) -> Replica {
        let Self {
            cluster,
            name,
            arguments,
        } = self;
        let folder = cluster.folder().join(&name);
        std::fs::create_dir_all(&folder).unwrap();
        let listen = Port::free();
        let launch = Launch::of(program(), folder)
            .args(arguments)
            .args(["--listen", &listen.address().to_string()])
            .env("KUBECONFIG", cluster.kubeconfig_of(NAMESPACE, NAME))
            .env("POD_NAMESPACE", NAMESPACE)
            .env("POD_NAME", name);
        Replica::start(cluster, launch, listen)
    }
}

impl Replica {
    /// Starts what listens at that port, and waits until it is ready.
    pub(crate) fn start(cluster: &Cluster, launch: Launch, listen: Port) -> Self {
        let program = launch.spawn();
        cluster.answers_for(&program);
        let replica = Self { program, listen };
        replica.ready();
        replica
    }

    /// Starts it again after it was killed, and waits until it is ready.
    pub fn restart(&mut self, cluster: &Cluster) {
        self.program.restart(0);
        cluster.answers_for(&self.program);
        self.ready();
    }

    /// The sum of a metric over all its labels, or of those lines that have `part` in them.
    pub fn metric(&self, name: &str, part: &str) -> f64 {
        let text = self.client().get("/metrics", &[]).text();
        let lines = text
            .lines()
            .filter(|line| line.starts_with(name) && line.contains(part));
        let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.sum()
    }

    /// Waits until so many requests are on their way to the RA.
    pub fn asks(&self, requests: usize) {
        let name = "certway_issuer_requests_in_flight{";
        let what = format!("{requests} requests are on their way to the RA");
        eventually(&what, || self.metric(name, "") as usize == requests);
    }

    /// Whether it says that it is ready.
    pub fn is_ready(&self) -> bool {
        let answer = self.client().try_request("GET", "/readyz", &[], b"");
        answer.is_ok_and(|answer| answer.status == 200)
    }

    fn ready(&self) {
        eventually("certway-issuer is ready", || self.is_ready());
    }

    fn client(&self) -> HttpsClient {
        HttpsClient::plain(self.listen.address())
    }
}
