//! Answers given before the body of the request was read: the rest is read and thrown away, since many clients write all of it before they
//! look at an answer and lose the answer with the connection. What would take too long ends the connection, and the client is told.

use axum::{
    body::{Body, BodyDataStream, HttpBody},
    extract::Request,
    http::{HeaderValue, Version, header},
    middleware::Next,
    response::Response,
};
use futures_util::{StreamExt, stream};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

/// Bytes that are thrown away at most.
const THROWN_MAX: u64 = 256 << 20;
/// Time for that.
const THROWING: Duration = Duration::from_secs(20);

/// Reads what a handler left of the body; adds `Connection: close` where that is too much. Later versions of HTTP have streams for that.
pub async fn close(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() || request.version() > Version::HTTP_11 {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    let read = Arc::new(AtomicBool::new(false));
    // Who waits for a word before it sends is answered and sends nothing.
    let waits = parts.headers.contains_key(header::EXPECT);
    let pieces = Arc::new(Mutex::new(body.into_data_stream()));
    let (told, rest, mut seen) = (Arc::clone(&read), Arc::clone(&pieces), 0u64);
    let watched = stream::poll_fn(move |context| {
        let piece = rest.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(context);
        match &piece {
            Poll::Ready(Some(Ok(bytes))) => seen = seen.saturating_add(bytes.len() as u64),
            Poll::Ready(None) => told.store(true, Relaxed),
            _ => {}
        }
        // Who knows the length does not ask whether more comes.
        if length.is_some_and(|length| seen >= length) {
            told.store(true, Relaxed);
        }
        piece
    });
    let mut response = next.run(Request::from_parts(parts, Body::from_stream(watched))).await;
    if !read.load(Relaxed) && (waits || !throw_away(&pieces).await) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Reads to the end. Whether it got there.
async fn throw_away(pieces: &Mutex<BodyDataStream>) -> bool {
    let mut seen = 0u64;
    let all = async {
        loop {
            let next = stream::poll_fn(|context| {
                pieces.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(context)
            })
            .next()
            .await;
            match next {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(bytes)) => seen = seen.saturating_add(bytes.len() as u64),
            }
            if seen > THROWN_MAX {
                return false;
            }
        }
    };
    tokio::time::timeout(THROWING, all).await.unwrap_or(false)
}
