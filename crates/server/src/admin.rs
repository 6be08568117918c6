//! What operators and their tools ask: `/metrics`, `/livez`, `/readyz`, `/configz`. On a listener of its own, on the loopback address unless
//! the configuration says otherwise: nobody has to say who they are here.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::config::Limits;
use crate::listen::{self, Door};
use crate::metrics::{MEDIA_TYPE, Metrics};
use crate::{App, Drain};

mod bind;
mod configz;
mod ready;

pub use bind::{BindError, bind};

/// The listener before and after there is something to tell of.
pub struct Admin {
    metrics: Arc<Metrics>,
    app: OnceLock<Arc<App>>,
}

/// The listener at work. It stops when this value goes.
pub struct Serving {
    admin: Arc<Admin>,
    drain: Drain,
}

impl Serving {
    /// From now on there is something to tell of.
    pub fn serves(&self, app: Arc<App>) {
        let _only_once = self.admin.app.set(app);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.drain.cut_off();
    }
}

/// Begins to answer on `socket`; the app comes later, so that whoever asks meanwhile learns that it is on its way.
#[must_use]
pub fn begin(socket: TcpListener, metrics: Arc<Metrics>) -> Serving {
    let admin = Arc::new(Admin {
        metrics,
        app: OnceLock::new(),
    });
    // A few tools ask now and then.
    let limits = Limits {
        connections: 64,
        ..Limits::default()
    };
    let drain = Drain::default();
    let door = Door::new(routes(Arc::clone(&admin)), None, &limits, &drain);
    tokio::spawn(listen::serve(socket, door));
    Serving { admin, drain }
}

fn routes(admin: Arc<Admin>) -> Router {
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready::answer))
        .route("/metrics", get(metrics))
        .route("/configz", get(configz::answer))
        .with_state(admin)
}

/// The process runs and answers. Whether it can work is `/readyz`.
async fn live() -> &'static str {
    "alive\n"
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    let site = admin.app.get().map(|app| app.site());
    match admin.metrics.text(site.as_deref()).await {
        Ok(text) => ([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
