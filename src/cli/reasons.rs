//! `awscost reasons`: what a reason means and what to do about it.

use std::io::Write;

use crate::{
    cli::terminal::wrap::wrap_text,
    model::{
        ExitCode, Guide, Reason,
        guide::{SECTIONS, page},
    },
};

/// Which reasons, and in what form.
#[derive(Debug, clap::Args)]
pub struct ReasonsArgs {
    /// Reasons, spelled as in conditions and events. Without any, all names are listed.
    #[arg(value_name = "REASON", value_parser = parse_reason)]
    reasons: Vec<Reason>,
    /// Print the whole page of docs/troubleshooting.md instead.
    #[arg(long, hide = true, conflicts_with = "reasons")]
    markdown: bool,
}

/// A reason of any spelling of upper and lower case.
fn parse_reason(name: &str) -> Result<Reason, String> {
    let found = Reason::ALL.iter().find(|reason| reason.as_str().eq_ignore_ascii_case(name));
    found.copied().ok_or_else(|| "no such reason; `awscost reasons` lists all".to_owned())
}

/// Runs the command.
pub fn run(args: &ReasonsArgs) -> ExitCode {
    let text = match args.reasons.as_slice() {
        [] if args.markdown => page::markdown(),
        [] => list_reasons(),
        some => some.iter().map(|reason| describe_reason(Guide::to(*reason))).collect::<Vec<_>>().join("\n"),
    };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::Done,
        Err(error) => {
            tracing::error!(%error, "the reasons could not be written");
            ExitCode::Configuration
        }
    }
}

fn list_reasons() -> String {
    let section = |section: &crate::model::guide::Section| {
        let names: Vec<String> = section.guides.iter().map(|guide| format!("  {}\n", guide.reason)).collect();
        format!("{}\n{}", section.title.replace('`', ""), names.concat())
    };
    SECTIONS.iter().map(section).collect::<Vec<_>>().join("\n")
}

fn describe_reason(guide: &Guide) -> String {
    let conditions: Vec<String> =
        guide.stands.iter().map(|(type_, status)| format!("{type_} {}", status.as_str())).collect();
    let alerts: Vec<&str> = guide.alerts().into_iter().map(crate::model::Alert::as_str).collect();
    let lines = [
        ("Condition", conditions.join(", ")),
        ("Means", guide.meaning.replace('`', "")),
        ("Recognised by", guide.recognised.replace('`', "")),
        ("What to do", guide.remedy.replace('`', "")),
        ("Alert", alerts.join(", ")),
    ];
    let body: Vec<String> = lines
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| wrap_text(&text, &format!("  {name}: "), "    "))
        .collect();
    format!("{}\n{}", guide.reason, body.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_in_whatever_case_it_is_typed() {
        let told = describe_reason(Guide::to(parse_reason("kmskeyunusable").expect("a reason")));
        insta::assert_snapshot!(told, @r"
        KmsKeyUnusable
          Condition: BucketReadable False
          Means: The object's KMS key is disabled, pending deletion or deleted.
          Recognised by: KMS.DisabledException, KMS.NotFoundException,
            KMS.KMSInvalidStateException.
          What to do: Enable the key, or have the report delivered again with another
            key.
          Alert: AwscostAccountNotReady
        ");
        assert!(parse_reason("Nonsense").is_err());
    }

    #[test]
    fn the_list_has_every_reason() {
        let list = list_reasons();
        let names: Vec<&str> = list.lines().filter_map(|line| line.strip_prefix("  ")).collect();
        assert_eq!(names.len(), Reason::ALL.len());
    }
}
