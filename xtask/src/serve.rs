//! A static file server on this machine only, for the demo and for the end-to-end tests.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow, bail, ensure};
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use tokio::sync::oneshot;
use tower_http::services::ServeDir;

/// Takes a port of 127.0.0.1; 0 means any free one.
///
/// # Errors
/// The port is in use or not allowed.
pub fn bind(port: u16) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
        if error.kind() == ErrorKind::AddrInUse {
            anyhow!("port {port} is in use: stop the program that has it or choose another with --port")
        } else {
            anyhow!("cannot listen on 127.0.0.1:{port}: {error}; choose another with --port")
        }
    })
}

/// A running server; dropping it stops it.
pub struct Server {
    address: SocketAddr,
    base: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Server {
    /// Serves the files of `folder` under `base`, a path such as `/` or `/some/where/`, in a thread of its own.
    ///
    /// # Errors
    /// `folder` is not a folder, or `base` does not begin and end with a slash.
    pub fn start(listener: TcpListener, folder: &Path, base: &str) -> Result<Self> {
        ensure!(folder.is_dir(), "{}: not a folder", folder.display());
        if !(base.starts_with('/') && base.ends_with('/')) {
            bail!("base path {base:?}: must begin and end with a slash");
        }
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let router = router(folder, base);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                // Not a graceful end: a browser's idle connections would hold it up for ever.
                tokio::select! {
                    served = async { axum::serve(listener, router).await } => served.context("the server stopped"),
                    _ = stopped => Ok(()),
                }
            })
        });
        Ok(Self { address, base: base.to_owned(), stop: Some(stop), thread: Some(thread) })
    }

    /// Where the folder's index page is, with the slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, self.base)
    }

    /// Serves until the process ends.
    ///
    /// # Errors
    /// The server failed.
    pub fn wait(mut self) -> Result<()> {
        self.join()
    }

    fn join(&mut self) -> Result<()> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(_)) => Err(anyhow!("the server's thread panicked")),
            Some(Ok(served)) => served,
            None => Ok(()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // An error says that the server has already ended.
            let _ = stop.send(());
        }
        let _ = self.join();
    }
}

fn router(folder: &Path, base: &str) -> Router {
    let files = ServeDir::new(folder);
    if base == "/" {
        return Router::new().fallback_service(files);
    }
    let with_slash = base.to_owned();
    // Without its slash the page's relative addresses would point beside the folder.
    let redirect = get(move || async move { Redirect::permanent(&with_slash) });
    Router::new().route(base.trim_end_matches('/'), redirect).nest_service(base, files)
}
