//! What only the operator can see: what it may write and do, its AWS identity, its way out and its clock.

use jiff::SignedDuration;

use super::{Check, PreflightFinding, ReleasePlace, cluster, release_name, some_of, upgrade_command};
use crate::{
    aws::{AwsFault, FaultClass},
    cli::preflight::facts::{AskedRight, OwnView, PreflightFacts, Proxy, TriedWrite, WriteTries},
};

/// The most that clocks may differ: more than any network takes, and less than makes AWS refuse signatures
/// (`RequestTimeTooSkewed`, docs/aws-facts.md 9). A clock that is a minute off is one that nobody sets.
const MOST_APART: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn judge_namespaces(own: &OwnView, place: &ReleasePlace) -> PreflightFinding {
    let missing = own.tries.as_ref().map_err(Clone::clone).map(|tries| {
        let gone = |tries: &&WriteTries| tries.foreign_secret == TriedWrite::NoSuchNamespace;
        tries.iter().filter(gone).map(|tries| tries.namespace.clone()).collect::<Vec<_>>()
    });
    cluster::judge_namespaces(&missing, place)
}

pub(super) fn admission_policy(own: &OwnView, place: &ReleasePlace) -> PreflightFinding {
    let check = Check::AdmissionPolicy;
    let tries = match &own.tries {
        Ok(tries) => tries,
        Err(because) => return PreflightFinding::unseen(check, because),
    };
    let open: Vec<String> = tries
        .iter()
        .flat_map(|tries| {
            let taken = |tried: &TriedWrite, what| {
                (*tried == TriedWrite::Taken).then(|| format!("{what} in {}", tries.namespace))
            };
            [taken(&tries.foreign_secret, "any Secret"), taken(&tries.foreign_job, "Jobs of any image")]
        })
        .flatten()
        .collect();
    if !open.is_empty() {
        let message = format!("No admission policy limits the operator: it may write {}.", some_of(&open));
        return PreflightFinding::fail(
            check,
            message,
            "Upgrade the chart with admissionPolicy.enabled=true.",
        )
        .with(format!("{} --set admissionPolicy.enabled=true", upgrade_command(place)));
    }
    let mut tried = tries.iter().flat_map(|tries| [&tries.foreign_secret, &tries.foreign_job]);
    match tried.find_map(untold_reason) {
        Some(because) => PreflightFinding::unseen(check, &because),
        None => PreflightFinding::pass(
            check,
            "The admission policies refuse everything that the operator need not write.",
        ),
    }
}

/// Why a try tells nothing of the policy.
fn untold_reason(tried: &TriedWrite) -> Option<String> {
    match tried {
        TriedWrite::Taken | TriedWrite::RefusedByPolicy => None,
        TriedWrite::NoSuchNamespace => Some("a watched namespace does not exist".to_owned()),
        TriedWrite::Otherwise(words) => Some(format!("a dry-run write was refused: {words}")),
    }
}

pub(super) fn judge_image(own: &OwnView, facts: &PreflightFacts) -> PreflightFinding {
    let check = Check::Image;
    let (settings, tries) = match (&facts.settings, &own.tries) {
        (Ok(Ok(settings)), Ok(tries)) => (settings, tries),
        (Ok(Err(_)), _) => return PreflightFinding::unseen(check, "the settings can't be used"),
        (Err(because), _) | (_, Err(because)) => return PreflightFinding::unseen(check, because),
    };
    if let Some(refused) = tries.iter().find(|tries| tries.own_job == TriedWrite::RefusedByPolicy) {
        let message = format!(
            "The settings give Jobs the image {}, but the admission policy refuses such a Job in {}.",
            settings.image, refused.namespace
        );
        return PreflightFinding::fail(
            check,
            message,
            "Change the image only in the chart's values, which set both.",
        )
        .with(upgrade_command(&facts.place));
    }
    match tries.iter().find_map(|tries| untold_reason(&tries.own_job)) {
        Some(because) => PreflightFinding::unseen(check, &because),
        None => PreflightFinding::pass(check, format!("Jobs of {} are admitted.", settings.image)),
    }
}

pub(super) fn judge_rights(own: &OwnView, place: &ReleasePlace) -> PreflightFinding {
    let check = Check::OwnRights;
    let denied: Vec<String> = own
        .rights
        .iter()
        .filter(|(_, answer)| *answer == Ok(false))
        .map(|(asked, _)| describe_right(asked))
        .collect();
    if !denied.is_empty() {
        let message = format!("The operator may not {}.", some_of(&denied));
        let fix =
            "Upgrade the chart, which creates a Role with these permissions in every watched namespace.";
        return PreflightFinding::fail(check, message, fix).with(upgrade_command(place));
    }
    match own.rights.iter().find_map(|(_, answer)| answer.as_ref().err()) {
        Some(because) => PreflightFinding::unseen(check, because),
        None if own.rights.is_empty() => PreflightFinding::unseen(check, "the settings can't be used"),
        None => PreflightFinding::pass(
            check,
            format!("All {} permissions of release {} are granted.", own.rights.len(), release_name(place)),
        ),
    }
}

fn describe_right(asked: &AskedRight) -> String {
    let name = asked.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    let place = asked.namespace.as_ref().map_or_else(|| "all namespaces".to_owned(), Clone::clone);
    format!("{} {}{name} in {place}", asked.verb, asked.resource)
}

pub(super) fn aws_identity(own: &OwnView) -> PreflightFinding {
    let check = Check::AwsIdentity;
    let through =
        own.proxy.as_ref().map(|proxy| format!(" through the proxy {}", proxy.address)).unwrap_or_default();
    let sts = match &own.sts {
        Ok(sts) => sts,
        Err(because) => return PreflightFinding::unseen(check, because),
    };
    let fault = match &sts.caller {
        Ok(caller) => {
            let message = format!("STS{through} identifies the operator as {}.", caller.arn);
            return PreflightFinding::pass(check, message);
        }
        Err(fault) => fault,
    };
    let (problem, fix) = describe_fault(fault, &through, own.proxy.as_ref());
    let conclusive =
        fault.class.is_conclusive() || matches!(fault.class, FaultClass::Unreachable | FaultClass::ClockSkew);
    if conclusive {
        PreflightFinding::fail(check, problem, fix)
    } else {
        PreflightFinding::unknown(check, problem)
    }
}

/// The problem and the fix of a call that failed.
fn describe_fault(fault: &AwsFault, through: &str, proxy: Option<&Proxy>) -> (String, String) {
    match (fault.class, proxy) {
        (FaultClass::Credentials, _) => (
            format!("The operator has no AWS identity that STS accepts ({}).", fault.code),
            "Give its ServiceAccount a role (serviceAccount.annotations with IRSA, an association with EKS Pod Identity), or \
             name a Secret with keys in aws.credentialsSecret."
                .to_owned(),
        ),
        (FaultClass::Unreachable, Some(proxy)) if proxy.answers == Some(false) => (
            format!("The proxy {} accepts no connection.", proxy.address),
            "Correct HTTPS_PROXY in aws.env, and open the proxy's port in networkPolicy.extraEgress.".to_owned(),
        ),
        (FaultClass::Unreachable, Some(proxy)) => (
            format!("STS can't be reached through the proxy {} ({}).", proxy.address, fault.code),
            "Allow CONNECT to sts.*.amazonaws.com:443 in the proxy.".to_owned(),
        ),
        (FaultClass::Unreachable, None) => (
            format!("STS can't be reached ({}).", fault.code),
            "Allow connections to sts.REGION.amazonaws.com:443, or set HTTPS_PROXY in aws.env.".to_owned(),
        ),
        (FaultClass::ClockSkew, _) => (
            "AWS refuses the operator's signatures, because its clock is wrong.".to_owned(),
            "Synchronize the node's clock with NTP.".to_owned(),
        ),
        _ => (
            format!("STS{through} did not return the operator's identity: {fault}."),
            "Find out which policy or endpoint denies the call.".to_owned(),
        ),
    }
}

pub(super) fn judge_clock(own: &OwnView) -> PreflightFinding {
    let check = Check::Clock;
    let sts = own.sts.as_ref().ok().and_then(|sts| sts.clock).ok_or_else(|| "STS gave no answer".to_owned());
    let clocks = [("the API server", own.api_clock.clone()), ("STS", sts)];
    let wrong: Vec<String> = clocks
        .iter()
        .filter_map(|(server, ahead)| Some((server, ahead.as_ref().ok()?)))
        .filter(|(_, ahead)| ahead.abs() > MOST_APART)
        .map(|(server, ahead)| format!("{} s {} {server}", ahead.abs().as_secs(), clock_relation(*ahead)))
        .collect();
    if !wrong.is_empty() {
        let message = format!("The operator's clock is {}.", wrong.join(" and "));
        let fix = "Synchronize the nodes' clocks with NTP: AWS refuses signatures if a clock is minutes off.";
        return PreflightFinding::fail(check, message, fix);
    }
    match clocks.into_iter().find_map(|(_, ahead)| ahead.err()) {
        Some(because) => PreflightFinding::unseen(check, &because),
        None => PreflightFinding::pass(
            check,
            "The operator's clock agrees with the clocks of the API server and of STS.",
        ),
    }
}

fn clock_relation(server_ahead: SignedDuration) -> &'static str {
    if server_ahead.is_positive() { "behind" } else { "ahead of" }
}
