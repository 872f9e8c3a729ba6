//! Log lines on stderr: JSON for machines, short text on a terminal.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{aws::NOISY_TARGETS, warehouse::QUIET_TARGETS};

/// Starts logging. `AWSCOST_LOG` takes a filter such as `debug` or `awscost=debug`.
pub(super) fn start() {
    let terminal = std::io::stderr().is_terminal();
    let wanted = std::env::var("AWSCOST_LOG").unwrap_or_else(|_| default_filter(terminal));
    let registry = tracing_subscriber::registry().with(filter(&wanted));
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
    QUIET_TARGETS.iter().fold(level.to_owned(), |filter, target| format!("{filter},{target}=off"))
}

/// The user's filter, with a floor for targets that would print credentials.
fn filter(wanted: &str) -> EnvFilter {
    NOISY_TARGETS.iter().fold(EnvFilter::new(wanted), |filter, target| {
        filter.add_directive(format!("{target}=info").parse().expect("a target of plain characters"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libraries_say_of_their_own_faults_is_off_unless_asked_for() {
        assert_eq!(default_filter(false), "info,delta_kernel=off");
    }

    #[test]
    fn a_user_cannot_lift_the_floor() {
        let shown = filter("trace,aws_sdk_sts=trace").to_string();
        assert!(shown.contains("aws_sdk_sts=info"), "{shown}");
        assert!(!shown.contains("aws_sdk_sts=trace"), "{shown}");
    }
}
