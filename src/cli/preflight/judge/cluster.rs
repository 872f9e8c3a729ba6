//! What the cluster shows of the installation: definitions, settings, lease, Deployment, and from outside the policies.

use super::{Check, PreflightFinding, ReleasePlace, release_name, some_of, upgrade_command};
use crate::cli::preflight::{
    definition,
    facts::{LeaseRecord, OutsideView, PreflightFacts, SeenFact},
};

/// Installs the definitions of this version.
fn install_definitions(place: &ReleasePlace) -> String {
    format!(
        "helm upgrade --install {}-crds charts/awscost-crds --namespace {}",
        release_name(place),
        place.namespace
    )
}

pub(super) fn judge_definitions(facts: &PreflightFacts) -> PreflightFinding {
    let check = Check::Definitions;
    let served = match &facts.definitions {
        Ok(served) => served,
        Err(because) => return PreflightFinding::unseen(check, because),
    };
    let absent: Vec<String> =
        served.iter().filter(|(_, schema)| schema.is_none()).map(|(kind, _)| kind.clone()).collect();
    if !absent.is_empty() {
        let message = format!("The API server does not serve {}.", absent.join(" and "));
        let fix = "Install the chart awscost-crds before the operator's.";
        return PreflightFinding::fail(check, message, fix).with(install_definitions(&facts.place));
    }
    let ours = definition::own_definitions();
    let differing: Vec<String> = served
        .iter()
        .filter_map(|(kind, schema)| {
            let (_, ours) = ours.iter().find(|(name, _)| name == kind)?;
            let fields = definition::schema_differences(ours, schema.as_ref()?);
            (!fields.is_empty()).then(|| format!("{kind}: {}", some_of(&fields)))
        })
        .collect();
    if differing.is_empty() {
        let version = env!("CARGO_PKG_VERSION");
        return PreflightFinding::pass(
            check,
            format!("Both kinds are served with the definitions of version {version}."),
        );
    }
    let message =
        format!("The served definitions have another version; they differ in {}.", differing.join("; "));
    PreflightFinding::fail(check, message, "Upgrade the chart awscost-crds to the operator's version.")
        .with(install_definitions(&facts.place))
}

pub(super) fn judge_settings(facts: &PreflightFacts) -> PreflightFinding {
    match &facts.settings {
        Err(because) => PreflightFinding::unseen(Check::Settings, because),
        Ok(Ok(_)) => {
            PreflightFinding::pass(Check::Settings, "The settings and their tenancy rules are valid.")
        }
        Ok(Err(invalid)) => {
            let message = format!("The operator can't start with its settings: {invalid}.");
            PreflightFinding::fail(Check::Settings, message, "Correct the chart's values and upgrade.")
                .with(upgrade_command(&facts.place))
        }
    }
}

pub(super) fn judge_namespaces(missing: &SeenFact<Vec<String>>, place: &ReleasePlace) -> PreflightFinding {
    match missing {
        Err(because) => PreflightFinding::unseen(Check::Namespaces, because),
        Ok(missing) if missing.is_empty() => {
            PreflightFinding::pass(Check::Namespaces, "Every watched namespace exists.")
        }
        Ok(missing) => {
            let message = format!("The settings watch {}, which does not exist.", some_of(missing));
            let create =
                missing.iter().map(|name| format!("kubectl create namespace {name}")).collect::<Vec<_>>();
            PreflightFinding::fail(
                Check::Namespaces,
                message,
                "Create it, then upgrade the chart, which creates its Role there.",
            )
            .with(format!("{}\n{}", create.join("\n"), upgrade_command(place)))
        }
    }
}

pub(super) fn judge_lease(facts: &PreflightFacts) -> PreflightFinding {
    let check = Check::Lease;
    let logs = format!(
        "kubectl -n {} logs -l app.kubernetes.io/name=awscost,app.kubernetes.io/component=operator",
        facts.place.namespace
    );
    match &facts.lease {
        Err(because) => PreflightFinding::unseen(check, because),
        Ok(LeaseRecord::Off) => PreflightFinding::pass(
            check,
            "Leader election is turned off in the settings, so no lease is needed.",
        ),
        Ok(LeaseRecord::Missing) => PreflightFinding::fail(
            check,
            "There is no lease: no operator was ever the leader here.",
            "Find out why it does not start.",
        )
        .with(logs),
        Ok(LeaseRecord::Free) => PreflightFinding::fail(
            check,
            "Nobody holds the lease: no operator is running.",
            "See whether it runs.",
        )
        .with(logs),
        Ok(LeaseRecord::Held { holder, renewed: true, since, .. }) => {
            let since = since.map(|since| format!(" since {since:.0}")).unwrap_or_default();
            PreflightFinding::pass(check, format!("{holder} holds the lease{since} and renews it."))
        }
        Ok(LeaseRecord::Held { holder, lasts, .. }) => {
            let message =
                format!("{holder} holds the lease and has not renewed it for {} s.", lasts.as_secs());
            let fix =
                "Check whether that pod still runs. Another replica takes over the lease automatically.";
            PreflightFinding::fail(check, message, fix).with(logs)
        }
    }
}

pub(super) fn judge_deployment(view: &OutsideView, place: &ReleasePlace) -> PreflightFinding {
    let check = Check::Deployment;
    match &view.deployment {
        Err(because) => PreflightFinding::unseen(check, because),
        Ok(None) => {
            let message = format!("There is no Deployment of the operator in {}.", place.namespace);
            let fix = "Install the chart awscost-operator, or name its namespace with --namespace.";
            PreflightFinding::fail(check, message, fix).with(upgrade_command(place))
        }
        Ok(Some(it)) if it.available > 0 => {
            let message = format!("{}: {} of {} replicas available.", it.name, it.available, it.wanted);
            PreflightFinding::pass(check, message)
        }
        Ok(Some(it)) => {
            let message = format!("{} has no available replica of {}.", it.name, it.wanted);
            PreflightFinding::fail(check, message, "Find out why its pods do not become ready.")
                .with(format!("kubectl -n {} describe deployment/{} pods", place.namespace, it.name))
        }
    }
}

/// What the chart's policies are about, together.
const COVERED: [(&str, &str); 6] = [
    ("secrets", "CREATE"),
    ("secrets", "UPDATE"),
    ("secrets", "DELETE"),
    ("jobs", "CREATE"),
    ("jobs", "UPDATE"),
    ("jobs", "DELETE"),
];

pub(super) fn admission_policy(view: &OutsideView, place: &ReleasePlace) -> PreflightFinding {
    let check = Check::AdmissionPolicy;
    let policies = match &view.policies {
        Ok(policies) => policies,
        Err(because) => return PreflightFinding::unseen(check, because),
    };
    let fix = "Upgrade the chart with admissionPolicy.enabled=true.";
    let repair = format!("{} --set admissionPolicy.enabled=true", upgrade_command(place));
    if policies.is_empty() {
        let message =
            "No admission policy limits the operator's service account: it may write any Secret and any Job.";
        return PreflightFinding::fail(check, message, fix).with(repair);
    }
    let idle: Vec<String> =
        policies.iter().filter(|policy| !policy.denies).map(|policy| policy.name.clone()).collect();
    if !idle.is_empty() {
        let message = format!("No binding enforces the admission policy {}.", some_of(&idle));
        return PreflightFinding::fail(check, message, fix).with(repair);
    }
    let covered = |(resource, operation): &&(&str, &str)| {
        let is = |(one, other): &(String, String)| one == resource && other == operation;
        policies.iter().any(|policy| policy.covers.iter().any(is))
    };
    let open: Vec<String> = COVERED
        .iter()
        .filter(|wanted| !covered(wanted))
        .map(|(resource, operation)| format!("{operation} of {resource}"))
        .collect();
    if open.is_empty() {
        return PreflightFinding::pass(
            check,
            "The admission policies limit the operator's service account, and are enforced.",
        );
    }
    let message = format!("No admission policy limits the operator's {}.", some_of(&open));
    PreflightFinding::fail(check, message, fix).with(repair)
}

pub(super) fn judge_image(view: &OutsideView, facts: &PreflightFacts) -> PreflightFinding {
    let check = Check::Image;
    let settings = match &facts.settings {
        Ok(Ok(settings)) => settings,
        Ok(Err(_)) => return PreflightFinding::unseen(check, "the settings can't be used"),
        Err(because) => return PreflightFinding::unseen(check, because),
    };
    let deployed = match &view.deployment {
        Ok(Some(deployed)) => deployed,
        Ok(None) => return PreflightFinding::unseen(check, "there is no Deployment"),
        Err(because) => return PreflightFinding::unseen(check, because),
    };
    let others = [
        (deployed.image != settings.image).then(|| format!("the Deployment runs {}", deployed.image)),
        view.policies.iter().flatten().find_map(|policy| {
            let image = policy.image.as_ref().filter(|image| **image != settings.image)?;
            Some(format!("the admission policy {} allows {image}", policy.name))
        }),
    ];
    let others: Vec<String> = others.into_iter().flatten().collect();
    if others.is_empty() {
        return PreflightFinding::pass(check, format!("The operator and its Jobs run {}.", settings.image));
    }
    let message =
        format!("The settings give Jobs the image {}, but {}.", settings.image, others.join(", and "));
    PreflightFinding::fail(
        check,
        message,
        "Change the image only in the chart's values, which set all three.",
    )
    .with(upgrade_command(&facts.place))
}
