//! One router out of the fronts' own: this is where a front is plugged in.

use std::sync::Arc;

use axum::Router;

use crate::App;

/// Everything served on the REST listener.
///
/// Each front brings `pub fn routes() -> Router<Arc<App>>`; `merge` it here.
pub fn router(app: Arc<App>) -> Router {
    Router::new().with_state(app)
}
