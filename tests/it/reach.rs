//! Private networks: proxies, a certificate authority of one's own, endpoints by partition and FIPS, and the identities of
//! people's laptops. The binary runs as people run it; behind the proxy every host is the sandbox.

pub mod authority;
mod cluster;
mod identities;
mod operator;
mod partitions;
pub mod proxy;
mod sources;
mod warehouses;

use std::process::{Command, Output};

/// The binary, with nothing of this process's AWS, proxy and TLS settings.
fn awscost(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_awscost"));
    command.args(arguments);
    clean(&mut command).envs(environment.iter().copied());
    command.output().expect("the binary runs")
}

/// Takes what a shell may have set out of a command's environment.
fn clean(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars() {
        let upper = name.to_ascii_uppercase();
        if upper.starts_with("AWS_") || upper.starts_with("SSL_CERT") || upper.ends_with("_PROXY") {
            command.env_remove(&name);
        }
    }
    command.env_remove("KUBECONFIG").env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", "/nonexistent")
}

/// Both streams, for messages and assertions.
fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn succeeds(output: Output) -> String {
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}
