//! `cargo xtask demo`: the page on this machine.

use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use xshell::Shell;

use crate::consent::Consent;
use crate::serve::{self, Server};
use crate::site::Profile;
use crate::{forecast, needs, paths, site};

/// What can be chosen.
#[derive(Args, Debug)]
pub struct Options {
    /// Build only, and leave a folder for any static host, under any path
    #[arg(long, conflicts_with_all = ["open", "port", "host"])]
    build_only: bool,
    /// Open the page in a browser
    #[arg(long)]
    open: bool,
    /// Port to serve on; 0 takes any free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Address to serve on; 0.0.0.0 lets other devices in the network see the page
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Where the built site goes [default: dist]
    #[arg(long, value_name = "DIR")]
    pub dist: Option<PathBuf>,
}

/// Installs what is missing, builds the site and serves it.
///
/// # Errors
/// The folder is refused, the port cannot be had or the build fails.
pub fn run(shell: &Shell, consent: Consent, options: Options) -> Result<()> {
    let folder = options.dist.unwrap_or_else(paths::dist);
    // Before the build: what is wrong should not be found out after ten minutes.
    let models = paths::models();
    let destination = site::destination(&folder, &models)?;
    let listener = if options.build_only { None } else { Some(serve::bind_to(options.host, options.port)?) };
    let profile = Profile::soonest(&paths::wasm_target());
    needs::tell_page();
    forecast::tell(shell, profile)?;
    site::build(shell, consent, profile, &models, &destination)?;
    let Some(listener) = listener else {
        eprintln!("{}: ready for any static host; `cargo xtask site` makes a smaller one", folder.display());
        return Ok(());
    };
    let server = Server::start(listener, &folder, "/")?;
    eprintln!("open {} in a browser; Ctrl-C stops", server.url());
    if let Some(url) = server.url_outside() {
        eprintln!("other devices in this network: {url}");
        eprintln!(
            "they compute on the CPU and need this machine: WebGPU, and working without a network, are for https and \
             localhost"
        );
    }
    if options.open
        && let Err(error) = open::that_detached(server.url())
    {
        eprintln!("no browser can be opened from here: {error}");
    }
    server.wait()
}
