//! certway-issuer as a kubelet starts it: what the Deployment says, under a pod's name.

use serde_json::Value;

use crate::https::HttpsClient;
use crate::kube::cluster::Cluster;
use crate::kube::kubelet::{Running, Workload};
use crate::port::Port;
use crate::program::{Program, eventually};

/// The namespace that the manifests make, and the ServiceAccount in it.
pub const NAMESPACE: &str = "certway";
/// The Deployment's, its ServiceAccount's and the program's name.
pub const NAME: &str = "certway-issuer";

/// One that was not started yet.
pub struct Pod<'a>(Workload<'a>);

/// One that runs.
pub struct Replica {
    /// Its process.
    pub program: Program,
    listen: Port,
}

impl<'a> Pod<'a> {
    /// A pod of the Deployment `certway-issuer`, with the arguments that stand there.
    pub fn named(cluster: &'a Cluster, name: &str) -> Self {
        Self::within(cluster, NAMESPACE, name)
    }

    /// The same where the Deployment is in a namespace of its own.
    pub fn within(cluster: &'a Cluster, namespace: &str, name: &str) -> Self {
        let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/{NAME}");
        let deployment = cluster.admin.get(&path).unwrap();
        Self(Workload::of(cluster, &deployment).named(name))
    }

    /// Without one of these arguments.
    #[must_use]
    pub fn without(mut self, argument: &str) -> Self {
        let arguments = self.0.arguments();
        let before = arguments.len();
        arguments.retain(|one| one != argument);
        assert!(arguments.len() < before, "no {argument} in {arguments:?}");
        self
    }

    /// With one more.
    #[must_use]
    pub fn with(mut self, argument: &str) -> Self {
        self.0.arguments().push(Value::from(argument));
        self
    }

    /// Starts it with what is mounted and with a token of the ServiceAccount, and waits until it is ready.
    pub fn start(self) -> Replica {
        Replica::of(self.0.spawn())
    }
}

impl Replica {
    fn of(running: Running) -> Self {
        let (program, listen) = running.into_parts("http-metrics");
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
