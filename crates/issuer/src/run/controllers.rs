use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::{BoxFuture, OptionFuture};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, Stream, StreamExt, TryStreamExt, future, stream};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::api::ListParams;
use kube::runtime::controller::{Action, Config};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{Controller, WatchStreamExt, watcher as watch};
use kube::{Api, Client, Resource, ResourceExt};
use pki::KnownCas;
use tokio::sync::{oneshot, watch as channel};
use tokio::task::JoinSet;

use super::prompt::Prompt;
use crate::admin::Health;
use crate::args::Run;
use crate::cert_manager::CertificateRequest;
use crate::checks::Checks;
use crate::context::Context;
use crate::events::Events;
use crate::identity::{IssuerId, IssuerKind};
use crate::issuers::{Configured, Issuers, reference};
use crate::kinds::{ClusterIssuer, GROUP, Guarded, ONAP_GROUP};
use crate::metrics::Metrics;
use crate::pace::{Attempts, Gates};
use crate::ra::{Ra, Token};
use crate::reconcile::{Failed, reconcile_issuer, reconcile_request, reconcile_signing_request};
use crate::renewals::Renewals;
use crate::request::{Approval, slim};
use crate::turns::Turns;
use api::client::with_causes;

/// How many requests are looked at in the same moment. The controller asks each of them whether it is done whenever one is; the gates see to it that those which wait for
/// one RA, or are one namespace's, do not take all of these places.
const LOOKS_AT_A_TIME: u16 = 256;

/// What the controllers are made of; they are made anew each time this replica gets the Lease.
pub(super) struct Controllers {
    pub(super) client: Client,
    pub(super) arguments: Run,
    pub(super) namespace: String,
    pub(super) identity: String,
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: Arc<Health>,
    /// Turns true when the process is to end.
    pub(super) stopping: channel::Receiver<bool>,
}

/// One kind of issuer in one place: what the watch writes, and what everybody reads.
struct Place<K: Configured> {
    api: Api<K>,
    writer: reflector::store::Writer<K>,
    store: Store<K>,
}

impl<K: Configured> Place<K> {
    fn of(api: Api<K>) -> Self {
        let (store, writer) = reflector::store();
        Self { api, writer, store }
    }
}

impl Controllers {
    /// Runs them until the process is to end, and what is on its way then is done; or until `lost`, and then nothing more is done at once.
    pub(super) async fn run(&self, lost: impl Future<Output = ()>) {
        let issuers: Vec<_> = self.places().map(Place::of).collect();
        let cluster: Vec<_> = self.cluster().into_iter().map(Place::of).collect();
        let onap: Vec<_> = self
            .places()
            .filter(|_| self.arguments.onap)
            .map(Place::of)
            .collect();
        let context = self.context(Issuers {
            namespaced: stores(&issuers),
            cluster: stores(&cluster),
            onap: stores(&onap),
        });

        let mut tasks = JoinSet::new();
        let of_cluster: Vec<_> = cluster
            .into_iter()
            .map(|place| self.issuer(&mut tasks, place, &context))
            .collect();
        let of_cluster = future::join_all(of_cluster).shared();
        // Requests whose issuers are not known yet would be told that there are none. One namespace does not wait for another, which may be gone.
        let known = FuturesUnordered::new();
        let mut onap = onap.into_iter();
        for (place, requests) in issuers.into_iter().zip(self.places()) {
            let issuers = self.issuer(&mut tasks, place, &context);
            let onap = onap
                .next()
                .map(|place| self.issuer(&mut tasks, place, &context));
            let of_cluster = of_cluster.clone();
            known.push(async move {
                future::join3(issuers, OptionFuture::from(onap), of_cluster).await;
                requests
            });
        }
        let mut known = known.take_until(Box::pin(self.stop()));
        let work = async {
            while let Some(requests) = known.next().await {
                self.health.synced.store(true, Ordering::Relaxed);
                self.requests(&mut tasks, requests, &context).await;
            }
            while tasks.join_next().await.is_some() {}
        };
        tokio::select! {
            () = work => {}
            () = lost => {}
        }
    }

    fn places<K>(&self) -> impl Iterator<Item = Api<K>>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        let namespaces = &self.arguments.watch_namespaces;
        let all = namespaces.is_empty().then(|| Api::all(self.client.clone()));
        let some = namespaces
            .iter()
            .map(|namespace| Api::namespaced(self.client.clone(), namespace));
        all.into_iter().chain(some)
    }

    fn cluster(&self) -> Option<Api<Guarded<ClusterIssuer>>> {
        let everywhere = self.arguments.watch_namespaces.is_empty();
        everywhere.then(|| Api::all(self.client.clone()))
    }

    fn context(&self, issuers: Issuers) -> Arc<Context> {
        let arguments = &self.arguments;
        let cluster_namespace = arguments.cluster_resource_namespace.as_ref();
        let token = arguments
            .ra_token_file
            .as_ref()
            .map(|file| Token::new(file.clone(), &arguments.ra_token_for));
        Arc::new(Context {
            kube: self.client.clone(),
            issuers,
            ra: Ra::new(
                self.client.clone(),
                cluster_namespace.unwrap_or(&self.namespace).clone(),
                token,
            ),
            gates: Gates::default(),
            attempts: Attempts::default(),
            renewals: Renewals::default(),
            known: KnownCas::default(),
            events: Events::new(
                self.client.clone(),
                self.identity.clone(),
                Arc::clone(&self.metrics),
            ),
            metrics: Arc::clone(&self.metrics),
            approval: if arguments.ignore_approval {
                Approval::Ignored
            } else {
                Approval::Required
            },
            checks: Checks::every(arguments.check_every),
            turns: Turns::default(),
            doubts: Turns::default(),
        })
    }

    /// Begins to look at issuers; the future ends when all that are there are known.
    fn issuer<K: Configured>(
        &self,
        tasks: &mut JoinSet<()>,
        place: Place<K>,
        context: &Arc<Context>,
    ) -> BoxFuture<'static, ()> {
        let Place { api, writer, store } = place;
        let gone = Arc::clone(context);
        // Not the store's own `wait_until_ready`: it wakes one who waits, and that may be the controller.
        let (tell, known) = oneshot::channel();
        let mut tell = Some(tell);
        let stream = counted(&self.health, watch(api, watcher::Config::default()))
            .inspect_ok(move |event| {
                if let Event::Delete(issuer) = event {
                    gone.forget(&issuer.id());
                }
            })
            .modify(|issuer: &mut K| issuer.meta_mut().managed_fields = None)
            .reflect(writer)
            .inspect_ok(move |event| {
                if let Event::InitDone = event
                    && let Some(tell) = tell.take()
                {
                    let _nobody_waits_any_more = tell.send(());
                }
            })
            .applied_objects();
        let doubted = context.doubts.heard().filter_map(|id| {
            let mine = (id.kind == K::KIND).then(|| reference::<K>(&id));
            future::ready(mine)
        });
        let controller = Controller::for_stream(stream, store)
            .reconcile_on(doubted)
            .graceful_shutdown_on(self.stop())
            .run(
                reconcile_issuer,
                |issuer: Arc<K>, error: &Failed, context: Arc<Context>| {
                    tracing::warn!(issuer = %issuer.id(), error = with_causes(error), "an issuer's status was not written");
                    let uid = issuer.uid().unwrap_or_default();
                    Action::requeue(context.attempts.failed(&uid, None))
                },
                Arc::clone(context),
            )
            .for_each(|_| future::ready(()));
        tasks.spawn(controller);
        Box::pin(async move {
            // An error comes with the end of the watch, and so of the process.
            let _ended = known.await;
        })
    }

    /// Begins to look at requests in one place.
    async fn requests(
        &self,
        tasks: &mut JoinSet<()>,
        api: Api<CertificateRequest>,
        context: &Arc<Context>,
    ) {
        for fields in self.selectors(&api).await {
            let config = fields.iter().fold(in_pages(), |c, f| c.fields(f));
            let (store, writer) = reflector::store();
            let stream = counted(&self.health, watch(api.clone(), config))
                .modify(slim)
                .reflect(writer)
                .applied_objects();
            let waiting = store.clone();
            let turned = context
                .turns
                .heard()
                .flat_map(move |id| stream::iter(waiting_for(&waiting, &id)));
            let controller = Controller::for_stream(stream, store)
                .with_config(Config::default().concurrency(LOOKS_AT_A_TIME))
                .reconcile_on(turned)
                .graceful_shutdown_on(self.stop())
                .run(
                    reconcile_request,
                    again::<CertificateRequest>,
                    Arc::clone(context),
                )
                .for_each(|_| future::ready(()));
            tasks.spawn(controller);
        }
        if self.arguments.signing_requests && self.arguments.watch_namespaces.is_empty() {
            let api: Api<CertificateSigningRequest> = Api::all(self.client.clone());
            let (store, writer) = reflector::store();
            let stream = counted(&self.health, watch(api, in_pages()))
                .modify(|request: &mut CertificateSigningRequest| {
                    request.metadata.managed_fields = None;
                })
                .reflect(writer)
                .applied_objects();
            let waiting = store.clone();
            let turned = context.turns.heard().flat_map(move |id| {
                let signer = id.signer_name();
                let mine = waiting.state_filter(|request: &CertificateSigningRequest| {
                    request.spec.signer_name == signer
                });
                stream::iter(mine).map(|request| ObjectRef::from_obj(request.as_ref()))
            });
            let controller = Controller::for_stream(stream, store)
                .with_config(Config::default().concurrency(LOOKS_AT_A_TIME))
                .reconcile_on(turned)
                .graceful_shutdown_on(self.stop())
                .run(
                    reconcile_signing_request,
                    again::<CertificateSigningRequest>,
                    Arc::clone(context),
                )
                .for_each(|_| future::ready(()));
            tasks.spawn(controller);
        }
    }

    /// By issuer group where the server can select by it (cert-manager 1.20 and later), one watch for each; everything, once, where it cannot.
    async fn selectors(&self, api: &Api<CertificateRequest>) -> Vec<Option<String>> {
        let fields = |group: &str| format!("spec.issuerRef.group={group}");
        let probe = ListParams::default().fields(&fields(GROUP)).limit(1);
        match api.list_metadata(&probe).await {
            Err(kube::Error::Api(status)) if status.code == 400 => {
                tracing::info!(
                    "the server cannot select requests by their issuer's group: all are watched"
                );
                vec![None]
            }
            _ => {
                let mut groups = vec![Some(fields(GROUP))];
                groups.extend(self.arguments.onap.then(|| Some(fields(ONAP_GROUP))));
                groups
            }
        }
    }

    fn stop(&self) -> impl Future<Output = ()> + Send + Sync + use<> {
        let mut stopping = self.stopping.clone();
        async move {
            // Without a sender there is nobody left to stop us, nor for us to run for.
            let _ended = stopping.wait_for(|stop| *stop).await;
        }
    }
}

/// Of thousands of requests, most of them over, a page is in memory as text at a time.
fn in_pages() -> watcher::Config {
    watcher::Config::default().page_size(100)
}

fn stores<K: Configured>(places: &[Place<K>]) -> Vec<Store<K>> {
    places.iter().map(|place| place.store.clone()).collect()
}

/// The requests of an issuer that are not over; those that are fall out at the first look.
fn waiting_for(
    store: &Store<CertificateRequest>,
    id: &IssuerId,
) -> Vec<ObjectRef<CertificateRequest>> {
    let mine = store.state_filter(|request: &CertificateRequest| {
        let reference = &request.spec.issuer_ref;
        reference.name == id.name
            && IssuerKind::of(&reference.group, &reference.kind) == Some(id.kind)
            && (id.namespace.is_none() || request.metadata.namespace == id.namespace)
    });
    mine.iter()
        .map(|request| ObjectRef::from_obj(request.as_ref()))
        .collect()
}

/// The longest pause before a status is written again that the API server did not take.
const UNWRITTEN: Duration = Duration::from_secs(15);

/// The API server did not take what was to be written: again, later and later.
#[allow(
    clippy::needless_pass_by_value,
    reason = "the form that the controller calls"
)]
fn again<K>(object: Arc<K>, error: &Failed, context: Arc<Context>) -> Action
where
    K: Resource<DynamicType = ()>,
{
    tracing::warn!(
        kind = %K::kind(&()), namespace = object.namespace(), name = object.name_any(),
        error = with_causes(error), "the outcome of a request was not written; it is tried again"
    );
    let uid = object.uid().unwrap_or_default();
    Action::requeue(context.attempts.failed(&uid, None).min(UNWRITTEN))
}

/// A watch that begins again by itself, and counts how often in a row it had to.
fn counted<K: Send + 'static>(
    health: &Arc<Health>,
    events: impl Stream<Item = Result<Event<K>, watcher::Error>> + Send + 'static,
) -> impl Stream<Item = Result<Event<K>, watcher::Error>> + Send + 'static {
    let failures = health.watch();
    events
        .backoff(Prompt::default())
        .inspect(move |event| match event {
            // It says that it begins, also when the API server is away.
            Ok(Event::Init) => {}
            Ok(_) => failures.store(0, Ordering::Relaxed),
            Err(error) => {
                failures.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(
                    error = with_causes(error),
                    "a watch of the API server failed; it begins again"
                );
            }
        })
}
