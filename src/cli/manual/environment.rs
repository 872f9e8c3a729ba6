//! The environment variables this program reads: one list, which `--help` and docs/cli.md print. A test finds those that are
//! read and not listed.

/// Variables that belong together.
pub(in crate::cli) struct Variables {
    /// Their names.
    pub(in crate::cli) names: &'static [&'static str],
    /// Who reads them.
    pub(in crate::cli) readers: &'static [Reader],
    /// What they are for.
    pub(in crate::cli) meaning: &'static str,
}

/// Which commands read a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Reader {
    /// All of them.
    Every,
    /// Those that ask AWS.
    Aws,
    /// Those that speak with a cluster.
    Cluster,
    /// Those that open a warehouse.
    Warehouse,
    /// Those that put an external ID into what they print.
    ExternalId,
    /// The operator, and its preflight.
    Operator,
}

use Reader::{Aws, Cluster, Every, ExternalId, Operator, Warehouse};

/// All of them.
pub(in crate::cli) const VARIABLES: &[Variables] = &[
    Variables {
        names: &["AWSCOST_LOG"],
        readers: &[Every],
        meaning: "What is logged to stderr: a level (error, warn, info, debug) or a filter such as awscost=debug. By default info, on a terminal warn. Secrets are never logged.",
    },
    Variables {
        names: &["KUBECONFIG"],
        readers: &[Cluster, Operator],
        meaning: "The kubeconfig file; ~/.kube/config by default. In a pod the operator uses its service account.",
    },
    Variables {
        names: &["AWS_REGION", "AWS_DEFAULT_REGION"],
        readers: &[Aws],
        meaning: "The default region for AWS calls; otherwise that of the profile, otherwise us-east-1.",
    },
    Variables {
        names: &["AWS_PROFILE"],
        readers: &[Aws],
        meaning: "The AWS profile: keys, a role, single sign-on, `aws login` or a credential_process. It is never used for a warehouse.",
    },
    Variables {
        names: &["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"],
        readers: &[Aws, Warehouse],
        meaning: "The files with AWS profiles, as for every AWS SDK.",
    },
    Variables {
        names: &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"],
        readers: &[Aws],
        meaning: "Keys for AWS. They are never used for a warehouse.",
    },
    Variables {
        names: &["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_SESSION_NAME"],
        readers: &[Aws, Warehouse],
        meaning: "The role of the pod's service account; EKS sets them for IRSA. A warehouse in a bucket uses it if no credentials are given.",
    },
    Variables {
        names: &[
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        ],
        readers: &[Aws, Warehouse],
        meaning: "Credentials that the platform provides in the pod; EKS sets them for Pod Identity.",
    },
    Variables {
        names: &["AWS_EC2_METADATA_DISABLED"],
        readers: &[Aws],
        meaning: "If true, no credentials are taken from the machine's metadata service. Set in every Job.",
    },
    Variables {
        names: &["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"],
        readers: &[Aws],
        meaning: "Other addresses for AWS: for all services, for one (AWS_ENDPOINT_URL_STS and so on), or an instruction to ignore the profile's addresses. The operator passes them on to its Jobs.",
    },
    Variables {
        names: &["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"],
        readers: &[Aws, Warehouse],
        meaning: "If true, use endpoints with FIPS cryptography, or with IPv6. The operator passes them on to its Jobs.",
    },
    Variables {
        names: &["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"],
        readers: &[Aws, Cluster, Warehouse, Operator],
        meaning: "The proxy, and the hosts that are reached without it: docs/private-networks.md. The operator passes them on to its Jobs.",
    },
    Variables {
        names: &["KUBERNETES_SERVICE_HOST"],
        readers: &[Operator],
        meaning: "The API server's address, which Kubernetes sets in every pod; no proxy is used for it. Without it, preflight runs from outside.",
    },
    Variables {
        names: &["AWS_CA_BUNDLE"],
        readers: &[Aws, Warehouse, Operator],
        meaning: "A PEM file with certificate authorities that are trusted in addition to the system's. In the chart: caBundle.",
    },
    Variables {
        names: &["SSL_CERT_FILE", "SSL_CERT_DIR"],
        readers: &[Aws, Cluster, Warehouse, Operator],
        meaning: "Certificate authorities that replace the system's. The operator passes them on to its Jobs.",
    },
    Variables {
        names: &["AWSCOST_EXTERNAL_ID", "AWSCOST_NEXT_EXTERNAL_ID"],
        readers: &[ExternalId],
        meaning: "The external ID and the one that will replace it, if no file is given.",
    },
    Variables {
        names: &["POD_NAME", "POD_NAMESPACE"],
        readers: &[Operator],
        meaning: "The pod's name and namespace, for the Lease; the chart sets them.",
    },
];

impl Variables {
    /// Whether a command reads them, by its name without `awscost` and the options it has.
    pub(in crate::cli) fn are_read_by(&self, name: &str, command: &clap::Command) -> bool {
        let takes = |option: &str| command.get_arguments().any(|arg| arg.get_long() == Some(option));
        self.readers.iter().any(|reader| match reader {
            Every => true,
            Aws => ["ingest", "discover", "check", "operator", "preflight"].contains(&name),
            Cluster => takes("kubeconfig"),
            // The manifests that `discover` writes name a CostWarehouse; nothing is opened.
            Warehouse => takes("warehouse") && name != "discover",
            ExternalId => name == "onboard trust",
            Operator => ["operator", "preflight"].contains(&name),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use regex::Regex;

    use super::*;

    /// The sources without tests.
    fn sources(folder: &Path, into: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).expect("src is readable") {
            let path = entry.expect("an entry").path();
            let name = path.display().to_string();
            if path.is_dir() {
                sources(&path, into);
            } else if !name.contains("tests") {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                into.push((name, code.to_owned()));
            }
        }
    }

    #[test]
    fn every_variable_that_the_code_names_is_listed() {
        // What is read right there, and what looks like a variable of AWS, of Kubernetes, of proxies or of our own.
        let read = Regex::new(r#"(?:env::var(?:_os)?\(\s*|\benv = )"([A-Za-z_0-9]+)""#).expect("a pattern");
        let named = Regex::new(
            r#""((?:AWS|AWSCOST|POD|KUBE|KUBERNETES|SSL|HTTPS?|NO|ALL)_[A-Z0-9_]+|KUBECONFIG|HOME)""#,
        )
        .expect("a pattern");
        // Only builds for tests read it.
        let for_tests = ["AWSCOST_CRASH_AT"];
        let mut files = Vec::new();
        sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut files);
        let (mut seen, mut missing) = (0, Vec::new());
        for (file, code) in files.iter().filter(|(file, _)| !file.ends_with("cli/environment.rs")) {
            for found in read.captures_iter(code).chain(named.captures_iter(code)) {
                let name = &found[1];
                seen += 1;
                let listed = VARIABLES.iter().any(|variables| variables.names.contains(&name));
                if !listed && !for_tests.contains(&name) {
                    missing.push(format!("{name}, in {file}"));
                }
            }
        }
        assert!(
            missing.is_empty(),
            "add them to VARIABLES in src/cli/environment.rs:\n{}",
            missing.join("\n")
        );
        assert!(seen > 20, "only {seen} are found");
    }
}
