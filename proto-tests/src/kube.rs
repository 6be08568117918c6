//! A real Kubernetes control plane with cert-manager in it: kube-apiserver, etcd, kube-controller-manager, cert-manager's
//! controllers and its admission webhook, as processes on loopback ports. No container, no network, no root.
//!
//! `proto-tests/stack` builds the programs from published Go modules; [`Stack`] finds them. [`Cluster`] starts them with
//! fresh data. It takes some seconds, so the tests of one binary share [`cluster()`], each in a [`Namespace`] of its own;
//! those that kill a part of it start their own. [`TrustManager`] comes beside it where a test wants it.

pub mod api;
pub mod certmanager;
pub mod certway;
pub mod chart;
pub mod cluster;
pub mod controlplane;
pub mod credentials;
pub mod crowd;
pub mod kinds;
pub mod kubelet;
pub mod namespace;
pub mod namespaced;
pub mod own_ra;
pub mod reaper;
pub mod replica;
pub mod resource;
pub mod secret;
pub mod services;
pub mod site;
pub mod stack;
pub mod trustmanager;
pub mod watch;

pub use api::{Api, Refused};
pub use certway::Certway;
pub use chart::{Chart, Release};
pub use cluster::{Cluster, Settings, cluster};
pub use credentials::{Authority, kubeconfig};
pub use namespace::Namespace;
pub use own_ra::OwnRa;
pub use reaper::Reaper;
pub use replica::{Pod, Replica};
pub use resource::Resource;
pub use secret::Secret;
pub use site::Site;
pub use stack::Stack;
pub use trustmanager::TrustManager;
