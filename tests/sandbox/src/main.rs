//! `awscost-sandbox`: the sandbox as a process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use awscost_sandbox::bill::cli::GenerateArgs;
use awscost_sandbox::world::WorldFailure;
use awscost_sandbox::{Sandbox, World, bill};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// An AWS for tests and demos, and a generator of bills.
#[derive(Debug, Parser)]
#[command(name = "awscost-sandbox", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer as AWS does, until SIGTERM or SIGINT
    Serve {
        /// World file: accounts, organizations, buckets
        #[arg(long)]
        world: PathBuf,
        /// Address to listen on
        #[arg(long, default_value = "127.0.0.1:4566")]
        listen: SocketAddr,
        /// Deliver exports that are created meanwhile within seconds, where AWS takes up to a day
        #[arg(long)]
        deliver_at_once: bool,
    },
    /// Write a generated bill into a folder
    Generate(Box<GenerateArgs>),
}

/// Why the process ends early.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path}: {source}")]
    World { path: PathBuf, source: WorldFailure },
    #[error("can't listen on {address}: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("can't watch for signals: {0}")]
    Signals(std::io::Error),
    #[error(transparent)]
    Generate(#[from] bill::cli::GenerateFailure),
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,s3s=off"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    let done = match Cli::parse().command {
        Command::Serve { world, listen, deliver_at_once } => serve(world, listen, deliver_at_once).await,
        Command::Generate(args) => generate(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tracing::error!(%failure, "stopped");
            ExitCode::FAILURE
        }
    }
}

async fn serve(path: PathBuf, address: SocketAddr, deliver_at_once: bool) -> Result<(), Failure> {
    let text =
        std::fs::read_to_string(&path).map_err(|source| Failure::File { path: path.clone(), source })?;
    let world = World::from_yaml(&text).map_err(|source| Failure::World { path, source })?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::Signals)?;
    let sandbox =
        Sandbox::listen(world, address).await.map_err(|source| Failure::Listen { address, source })?;
    tracing::info!(endpoint = sandbox.endpoint(), "answering");
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = seconds.tick(), if deliver_at_once => tokio::task::block_in_place(|| deliver(&sandbox)),
        }
    }
    tracing::info!("stopping");
    sandbox.stop().await;
    Ok(())
}

fn deliver(sandbox: &Sandbox) {
    for (delivery, done) in sandbox.deliver_first() {
        let (account, of) = (delivery.account, delivery.of);
        match done {
            Ok(totals) => tracing::info!(account, ?of, rows = totals.rows, "delivered"),
            Err(failure) => tracing::warn!(account, ?of, %failure, "not delivered"),
        }
    }
}

fn generate(args: &GenerateArgs) -> Result<(), Failure> {
    let totals = bill::cli::run(args, jiff::Timestamp::now())?;
    tracing::info!(rows = totals.rows, "generated");
    Ok(())
}
