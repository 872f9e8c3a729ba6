//! Data files that are gone from a warehouse: what brings their months back, as commands to copy.

use crate::{
    cli::terminal::print::complain,
    onboarding::script::quoted,
    warehouse::{
        WarehouseFault,
        delta::{Addressing, DeltaOptions},
        survey::LostMonth,
    },
};

/// Tells of a warehouse's fault on stderr, with the commands that heal it where there are any.
pub(in crate::cli) fn complain_with_cure(options: Option<&DeltaOptions>, fault: &WarehouseFault) {
    let mut text = fault.to_string();
    if let (WarehouseFault::FilesGone { months, .. }, Some(options)) = (fault, options) {
        for command in cure(options, months) {
            text.push_str(&format!("\n  {command}"));
        }
    }
    complain(&text);
}

/// One command for each month of which the ledger says where it came from. The bucket's credentials are not among the
/// options that are known here.
pub(super) fn cure(options: &DeltaOptions, months: &[LostMonth]) -> Vec<String> {
    let of_month = |month: &LostMonth| {
        let row = month.row.as_ref()?;
        let period = row.period.to_string();
        let mut words =
            vec!["awscost", "ingest", "--source", &row.source.location, "--report", &row.source.report];
        words.extend(["--period", &period, "--connection", row.connection.as_str()]);
        if row.owner != "cli" {
            words.extend(["--owner", &row.owner]);
        }
        let words = words.into_iter().map(quoted).chain(of_warehouse(options)).chain(["--force".to_owned()]);
        Some(words.collect::<Vec<_>>().join(" "))
    };
    months.iter().filter_map(of_month).collect()
}

fn of_warehouse(options: &DeltaOptions) -> Vec<String> {
    let location = match options.location.folder() {
        Some(folder) => folder.display().to_string(),
        None => options.location.to_string(),
    };
    let mut words = vec!["--warehouse".to_owned(), quoted(&format!("delta:{location}"))];
    if let Some(region) = options.region.as_ref().filter(|_| options.location.is_bucket()) {
        words.extend(["--warehouse-region".to_owned(), region.to_string()]);
    }
    if let Some(endpoint) = options.endpoint.as_ref().filter(|_| !options.is_at_aws()) {
        words.extend(["--warehouse-endpoint".to_owned(), endpoint.as_str().trim_end_matches('/').to_owned()]);
    }
    if options.addressing == Addressing::Path {
        words.push("--warehouse-path-style".to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::conformance::{Load, slot};

    fn month() -> LostMonth {
        let row = Some(Load::of("123456789012", "v1", &["1"]).row());
        LostMonth { slot: slot("123456789012", "2026-10"), files: vec!["costs/a.parquet".to_owned()], row }
    }

    #[test]
    fn a_lost_month_is_loaded_again_by_a_command_that_can_be_copied() {
        let folder = DeltaOptions::at("/var/my lake").expect("a location");
        let said = cure(&folder, &[month(), LostMonth { row: None, ..month() }]);
        assert_eq!(
            said,
            [
                "awscost ingest --source s3://bucket/cur --report acme --period 2026-10 --connection 123456789012 \
              --owner cluster/finops/acme --warehouse 'delta:/var/my lake' --force"
            ]
        );
        let bucket = DeltaOptions {
            region: "eu-west-1".parse().ok(),
            endpoint: "https://minio.corp.example:9000".parse().ok(),
            addressing: Addressing::Path,
            ..DeltaOptions::at("s3://acme-lake/awscost").expect("a location")
        };
        let said = cure(&bucket, &[month()]).concat();
        let options = "--warehouse delta:s3://acme-lake/awscost --warehouse-region eu-west-1 \
                       --warehouse-endpoint https://minio.corp.example:9000 --warehouse-path-style --force";
        assert!(said.ends_with(options), "{said}");
        let at_aws = DeltaOptions {
            endpoint: "https://s3.eu-west-1.amazonaws.com".parse().ok(),
            addressing: Addressing::VirtualHost,
            ..bucket
        };
        assert!(!cure(&at_aws, &[month()]).concat().contains("endpoint"), "AWS's own is found by the region");
    }
}
