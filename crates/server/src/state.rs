//! What all handlers share, and what they take out of a request.

use crate::{
    Address,
    clients::brought::Ended,
    devices::Devices,
    error::{ApiError, ApiResult},
    tokens::Tokens,
};
use axum::{
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::JsonRejection},
    http::{StatusCode, request::Parts},
};
use edgewright_engine::{
    EngineError, Silent,
    access::{Caller, Scope},
    session::Session,
    workspace::Workspace,
};
use serde::de::DeserializeOwned;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// Wrong passwords allowed per minute, of all clients and accounts together: links need none.
const SIGN_IN_FAILURES: usize = 10;

/// What all handlers share.
#[derive(Clone)]
pub struct App {
    /// The workspace.
    pub workspace: Arc<Workspace>,
    /// Name of the session cookie. Cookies do not know ports, so the name does.
    pub cookie: Arc<str>,
    /// The OpenAPI document.
    pub openapi: Arc<str>,
    /// Folders outside the projects that their files may name.
    pub data_roots: Arc<[PathBuf]>,
    /// Tokens for the sockets of job logs.
    pub tokens: Tokens,
    /// Tokens that let a phone in, once.
    pub phones: Tokens,
    /// Where the Studio listens.
    pub address: Address,
    /// Whether over TLS.
    pub secure: bool,
    /// Work for clients that had ended when it was told.
    pub ended: Ended,
    /// Devices that are connected.
    pub devices: Devices,
    /// The port on which they connect, when it could be had.
    pub devices_port: Option<u16>,
    failures: Arc<Mutex<Vec<Instant>>>,
    hashing: Arc<tokio::sync::Semaphore>,
}

impl App {
    /// For a workspace that is served at an address, over TLS or not.
    pub fn new(
        workspace: Arc<Workspace>,
        (address, secure): (Address, bool),
        devices_port: Option<u16>,
        openapi: String,
        data_roots: &[PathBuf],
    ) -> Self {
        Self {
            workspace,
            cookie: format!("edgewright_{}", address.port()).into(),
            openapi: openapi.into(),
            data_roots: data_roots.into(),
            tokens: Tokens::default(),
            phones: Tokens::default(),
            address,
            secure,
            ended: Ended::default(),
            devices: Devices::default(),
            devices_port,
            failures: Arc::default(),
            // One hash takes 19 MiB.
            hashing: Arc::new(tokio::sync::Semaphore::new(2)),
        }
    }

    /// Runs a use case on a thread that may block.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Workspace) -> Result<T, EngineError> + Send + 'static,
    ) -> ApiResult<T> {
        let workspace = self.workspace.clone();
        let done = tokio::task::spawn_blocking(move || work(&workspace)).await;
        Ok(done.map_err(ApiError::internal)??)
    }

    /// Works on files of the server on a thread that may block.
    pub async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Workspace) -> ApiResult<T> + Send + 'static,
    ) -> ApiResult<T> {
        let workspace = self.workspace.clone();
        tokio::task::spawn_blocking(move || work(&workspace)).await.map_err(ApiError::internal)?
    }

    /// Runs a use case on an open project, beside whoever works in it.
    pub async fn run_in<T: Send + 'static>(
        &self,
        project: &ProjectDir,
        work: impl FnOnce(&Session<'_>) -> Result<T, EngineError> + Send + 'static,
    ) -> ApiResult<T> {
        let dir = project.dir.clone();
        let done = tokio::task::spawn_blocking(move || {
            let silent = Silent::default();
            work(&Session::shared(&dir, &silent)?)
        })
        .await;
        Ok(done.map_err(ApiError::internal)??)
    }

    /// Signs in with a token. Tokens are too long to be guessed, so nobody is made to wait for the failures of others.
    pub async fn sign_in_with_token(&self, token: String, agent: String) -> ApiResult<String> {
        self.run(move |w| w.sign_in_with_token(&token, &agent)).await?.ok_or_else(|| {
            ApiError::new(
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "the link was used or has expired; `edgewright login` prints a new one",
            )
        })
    }

    /// Signs in with a password: a few at a time, and no more than some failures a minute.
    pub async fn sign_in(
        &self,
        work: impl FnOnce(&Workspace) -> Result<Option<String>, EngineError> + Send + 'static,
    ) -> ApiResult<String> {
        let _turn = self.hashing.acquire().await.map_err(ApiError::internal)?;
        let many = {
            let mut failures = self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            failures.retain(|t| t.elapsed() < Duration::from_secs(60));
            failures.len() >= SIGN_IN_FAILURES
        };
        if many {
            return Err(ApiError::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "too many failed attempts to sign in; wait a minute",
            ));
        }
        match self.run(work).await? {
            Some(secret) => Ok(secret),
            None => {
                self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(Instant::now());
                Err(ApiError::new(
                    StatusCode::UNAUTHORIZED,
                    "unauthenticated",
                    "name or password is wrong; `edgewright login` prints a link that signs in once",
                ))
            }
        }
    }
}

/// The caller, whom the middleware has found out.
pub struct Who(pub Caller);

impl<S: Sync> FromRequestParts<S> for Who {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        parts.extensions.get::<Caller>().cloned().map(Self).ok_or_else(ApiError::unauthenticated)
    }
}

/// The caller of an operation on the whole workspace: none whose key holds for one project only.
pub struct Anywhere;

impl<S: Sync> FromRequestParts<S> for Anywhere {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        match Who::from_request_parts(parts, state).await?.0.project {
            None => Ok(Self),
            Some(project) => {
                Err(ApiError::forbidden(format!("this key holds for the project `{project}` alone")))
            }
        }
    }
}

/// The caller of an operation on accounts and keys: an owner, or a key that may do everything.
pub struct Manager;

impl<S: Sync> FromRequestParts<S> for Manager {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        Anywhere::from_request_parts(parts, state).await?;
        let caller = Who::from_request_parts(parts, state).await?.0;
        if caller.manages() {
            return Ok(Self);
        }
        let role = caller.role.map_or("", |r| r.word());
        Err(ApiError::forbidden(format!("this needs the role `owner`; `{}` is {role}", caller.name)))
    }
}

/// The project that a path names and the caller may use.
pub struct ProjectDir {
    /// Its id.
    pub id: String,
    /// Its folder.
    pub dir: PathBuf,
}

impl FromRequestParts<App> for ProjectDir {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Self> {
        let caller = Who::from_request_parts(parts, app).await?.0;
        let names: Path<std::collections::BTreeMap<String, String>> =
            Path::from_request_parts(parts, app).await.map_err(|e| ApiError::bad_request(e.body_text()))?;
        let id = names.0.get("project").cloned().unwrap_or_default();
        if caller.project.as_deref().is_some_and(|only| only != id) {
            return Err(ApiError::forbidden("this key holds for another project"));
        }
        let asked = id.clone();
        let dir = app.run(move |w| w.project_dir(&asked)).await?;
        Ok(Self { id, dir })
    }
}

/// Another name in the path, beside the project.
pub struct Named(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let names: Path<std::collections::BTreeMap<String, String>> =
            Path::from_request_parts(parts, state).await.map_err(|e| ApiError::bad_request(e.body_text()))?;
        let name = names.0.into_iter().find(|(key, _)| key != "project").map(|(_, value)| value);
        name.map(Self).ok_or_else(|| ApiError::bad_request("the path names nothing"))
    }
}

/// A JSON body.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> ApiResult<Self> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "send `content-type: application/json`",
            )),
            Err(e) if e.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(ApiError::too_large(format!("a JSON body has at most {} bytes", crate::JSON_MAX)))
            }
            Err(e) => Err(ApiError::bad_request(e.body_text())),
        }
    }
}

/// The query of a URL.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|q| Self(q.0)).map_err(|e| ApiError::bad_request(e.body_text()))
    }
}

/// Whether a scope is enough for an operation that needs another.
pub fn reaches(has: Scope, needs: Scope) -> bool {
    has == Scope::Full || has == needs
}
