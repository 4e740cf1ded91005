//! Answers given before the body of the request was read: the connection cannot be used again, and the client is told.

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::{HeaderValue, Version, header},
    middleware::Next,
    response::Response,
};
use futures_util::{StreamExt, stream};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::Poll,
};

/// Adds `Connection: close` to an answer that leaves a part of the body unread. Later versions of HTTP have streams for that.
pub async fn close(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() || request.version() > Version::HTTP_11 {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    let read = Arc::new(AtomicBool::new(false));
    let (told, mut pieces, mut seen) = (Arc::clone(&read), body.into_data_stream(), 0u64);
    let watched = stream::poll_fn(move |context| {
        let piece = pieces.poll_next_unpin(context);
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
    if !read.load(Relaxed) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
