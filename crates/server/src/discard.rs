//! A body that is refused is read all the same, within bounds: whoever still sends when we answer and close loses the answer.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use tokio::time::timeout;

/// Octets that are read for nothing: more than anyone sends by mistake.
const MOST: usize = 4 << 20;
/// For how long, and how long without any of them: who stops sending waits for the answer.
const LONGEST: Duration = Duration::from_secs(5);
const STALLED: Duration = Duration::from_millis(500);

/// Reads what is left of a refused body and forgets it. One that is longer, or comes too slowly, is cut off after the answer.
pub(crate) async fn discard(fields: &HeaderMap, mut body: Body) {
    // It waits for our word before it sends (RFC 9110 section 10.1.1), and takes the refusal for it.
    if fields.contains_key(header::EXPECT) {
        return;
    }
    let reading = async {
        let mut left = MOST;
        while let Ok(Some(Ok(frame))) = timeout(STALLED, body.frame()).await {
            let length = frame.data_ref().map_or(0, bytes::Bytes::len);
            left = left.saturating_sub(length);
            if left == 0 {
                return;
            }
        }
    };
    // Enough is enough.
    let _in_time = timeout(LONGEST, reading).await;
}
