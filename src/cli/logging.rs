//! Log lines on stderr: JSON for machines, short text on a terminal.

use std::io::IsTerminal;

use tracing_subscriber::{
    EnvFilter,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    aws::{self, NOISY_TARGETS},
    warehouse,
};

/// Starts logging. `AWSCOST_LOG` takes a filter such as `debug` or `awscost=debug`.
pub(super) fn start_logging() {
    let terminal = std::io::stderr().is_terminal();
    let wanted = std::env::var("AWSCOST_LOG").unwrap_or_else(|_| default_filter(terminal));
    let registry = tracing_subscriber::registry().with(EnvFilter::new(wanted)).with(least_levels());
    if terminal {
        let text =
            tracing_subscriber::fmt::layer().with_writer(std::io::stderr).without_time().with_target(false);
        registry.with(text).init();
    } else {
        registry.with(tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr)).init();
    }
}

/// What is shown unless the user says otherwise: nothing of libraries whose errors come back to us as faults.
fn default_filter(terminal: bool) -> String {
    let level = if terminal { "warn" } else { "info" };
    let quiet = warehouse::QUIET_TARGETS.iter().chain(aws::QUIET_TARGETS);
    quiet.fold(level.to_owned(), |filter, target| format!("{filter},{target}=off"))
}

/// What no filter of a user's lifts: a filter of its own, as within one the longer target wins.
fn least_levels() -> Targets {
    NOISY_TARGETS.iter().fold(Targets::new().with_default(LevelFilter::TRACE), |floor, (target, level)| {
        floor.with_target(*target, *level)
    })
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn what_libraries_say_of_their_own_faults_is_off_unless_asked_for() {
        let aws = "aws_config=off,aws_credential_types=off,aws_runtime=off,aws_smithy_runtime=off";
        assert_eq!(default_filter(false), format!("info,delta_kernel=off,{aws}"));
    }

    #[test]
    fn what_prints_credentials_and_external_ids_is_below_the_floor() {
        for (target, level, shown) in [
            ("aws_sdk_sts::operation::assume_role", Level::DEBUG, false),
            ("aws_sdk_sts", Level::INFO, true),
            ("aws_config::profile::credentials", Level::INFO, false),
            ("aws_config::profile", Level::WARN, true),
            ("awscost::ingest", Level::TRACE, true),
        ] {
            assert_eq!(least_levels().would_enable(target, &level), shown, "{target} at {level}");
        }
    }
}
