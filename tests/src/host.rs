//! Hosts with habits, good and bad.

use std::{
    future::pending,
    net::TcpListener,
    path::Path,
    sync::{Arc, Mutex},
};

use anyhow::Result;
use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
};
use xtask::serve::{self, Server};

/// What a host does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Habit {
    /// Serves files.
    #[default]
    Good,
    /// Sends whoever asks for the folder to its `index.html`.
    RedirectsFolder,
    /// Answers that it is out of order.
    Fails,
    /// Takes every question and answers none.
    Hangs,
    /// Is another project, which answers everything with its page.
    Another,
    /// Sends this header with every file.
    Sends(&'static str, String),
}

/// The habit of a host, which may change while it serves.
#[derive(Clone, Debug, Default)]
pub struct Habits(Arc<Mutex<Habit>>);

impl Habits {
    /// Has the host do this from now on.
    pub fn set(&self, habit: Habit) {
        if let Ok(mut now) = self.0.lock() {
            *now = habit;
        }
    }

    fn now(&self) -> Habit {
        self.0.lock().map(|habit| habit.clone()).unwrap_or_default()
    }
}

/// Serves a folder under `base` with these habits.
///
/// # Errors
/// The server does not start.
pub fn serve(listener: TcpListener, folder: &Path, base: &str, habits: Habits) -> Result<Server> {
    let folder = folder.to_owned();
    Server::with(listener, base, |base| behave(serve::router(&folder, base), base, habits))
}

fn behave(router: Router, base: &str, habits: Habits) -> Router {
    let base = base.to_owned();
    router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let (habit, base) = (habits.now(), base.clone());
        async move { answer(&habit, &base, request, next).await }
    }))
}

async fn answer(habit: &Habit, base: &str, request: Request, next: Next) -> Response {
    match habit {
        Habit::RedirectsFolder if request.uri().path() == base => {
            let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
            Redirect::to(&format!("{base}index.html{query}")).into_response()
        }
        Habit::Good | Habit::RedirectsFolder => next.run(request).await,
        Habit::Fails => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Habit::Hangs => pending().await,
        Habit::Another => Html("<!doctype html><title>Another</title>").into_response(),
        Habit::Sends(name, value) => {
            let mut response = next.run(request).await;
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(*name, value);
            }
            response
        }
    }
}
