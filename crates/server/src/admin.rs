//! What operators and their tools ask: `/metrics`, `/livez`, `/readyz`, `/configz`. On a listener of its own, on the loopback address unless
//! the configuration says otherwise: nobody has to say who they are here.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum_server::Handle;

use crate::config::{AdminListen, Limits};
use crate::metrics::{MEDIA_TYPE, Metrics};
use crate::{App, listen};

mod bind;
mod configz;
mod ready;

pub use bind::bind;

/// The listener before and after there is something to tell of.
pub struct Admin {
    metrics: Arc<Metrics>,
    app: OnceLock<Arc<App>>,
}

/// The listener at work. It stops when this value goes.
pub struct Serving {
    admin: Arc<Admin>,
    handle: Handle<SocketAddr>,
}

impl Serving {
    /// From now on there is something to tell of.
    pub fn serves(&self, app: Arc<App>) {
        let _only_once = self.admin.app.set(app);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

/// Begins to answer, if there is to be a listener; the app comes later, so that whoever asks meanwhile learns that it is on its way.
///
/// # Errors
/// When the configured address cannot be listened on.
pub fn begin(
    config: &AdminListen,
    metrics: Arc<Metrics>,
) -> Result<Option<Serving>, (SocketAddr, std::io::Error)> {
    let Some(socket) = bind(config)? else {
        return Ok(None);
    };
    let admin = Arc::new(Admin {
        metrics,
        app: OnceLock::new(),
    });
    let (router, handle) = (routes(Arc::clone(&admin)), Handle::new());
    let serving = Serving {
        admin,
        handle: handle.clone(),
    };
    tokio::spawn(async move {
        // A few tools ask now and then.
        let limits = Limits {
            connections: 64,
            ..Limits::default()
        };
        if let Err(error) = listen::serve(socket, router, None, &limits, handle).await {
            tracing::error!(%error, "the admin listener failed");
        }
    });
    Ok(Some(serving))
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
