//! A static file server, for the demo and for the end-to-end tests. Only this machine reaches it unless told otherwise.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
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
    bind_to(Ipv4Addr::LOCALHOST.into(), port)
}

/// Takes a port of one of this machine's addresses, or of all of them by 0.0.0.0.
///
/// # Errors
/// The port is in use or not allowed, or the address is not this machine's.
pub fn bind_to(host: IpAddr, port: u16) -> Result<TcpListener> {
    TcpListener::bind((host, port)).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!("port {port} is in use: stop the program that has it or choose another with --port")
        }
        ErrorKind::AddrNotAvailable => {
            anyhow!("{host} is no address of this machine: choose another with --host, 0.0.0.0 for all of them")
        }
        _ => anyhow!("cannot listen on {}: {error}; choose another with --port", SocketAddr::new(host, port)),
    })
}

/// This machine's address in the network that leads outside. Nothing is sent to find it.
#[must_use]
pub fn network_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // An address for documentation, which no machine has.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// A running server; dropping it stops it.
#[derive(Debug)]
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
        Self::with(listener, base, |base| router(folder, base))
    }

    /// The same with a router of one's own, for the path `base`.
    ///
    /// # Errors
    /// `base` does not begin and end with a slash.
    pub fn with(listener: TcpListener, base: &str, router: impl FnOnce(&str) -> Router) -> Result<Self> {
        if !(base.starts_with('/') && base.ends_with('/')) {
            bail!("base path {base:?}: must begin and end with a slash");
        }
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let router = router(base);
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

    /// Where the folder's index page is, with the slash at the end: for this machine, if it reaches itself.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at(match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        })
    }

    /// The same for other machines, none where they do not reach this server.
    #[must_use]
    pub fn url_outside(&self) -> Option<String> {
        match self.address.ip() {
            ip if ip.is_loopback() => None,
            ip if ip.is_unspecified() => network_address().map(|ip| self.url_at(ip)),
            ip => Some(self.url_at(ip)),
        }
    }

    fn url_at(&self, ip: IpAddr) -> String {
        format!("http://{}{}", SocketAddr::new(ip, self.address.port()), self.base)
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

/// The files of a folder under a path.
pub fn router(folder: &Path, base: &str) -> Router {
    let files = ServeDir::new(folder);
    if base == "/" {
        return Router::new().fallback_service(files);
    }
    let with_slash = base.to_owned();
    // Without its slash the page's relative addresses would point beside the folder.
    let redirect = get(move || async move { Redirect::permanent(&with_slash) });
    Router::new().route(base.trim_end_matches('/'), redirect).nest_service(base, files)
}
